import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';

import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';

import * as workflows from '../../workflows/index.ts';
import { slips } from './changed-histories.ts';
import { replayBundle, replayDifferences, type RecordedHistory } from './replay.ts';
import { scenarios } from './scenarios.ts';

const folder = new URL('../fixtures/histories/', import.meta.url);
const changedWorkflows = new URL('../fixtures/changed-workflows/index.ts', import.meta.url);

async function recordedHistories(): Promise<readonly RecordedHistory[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json'));
  return Promise.all(
    files.map(async (file) => JSON.parse(await readFile(new URL(file, folder), 'utf8')) as RecordedHistory),
  );
}

describe('recorded histories', function () {
  this.timeout(120_000);
  let bundle: WorkflowBundleWithSourceMap;
  let histories: readonly RecordedHistory[];

  before(async () => {
    bundle = await replayBundle(new URL('../../workflows/index.ts', import.meta.url));
    histories = await recordedHistories();
  });

  it('cover every workflow and every scenario, a continued run included', () => {
    assert.deepEqual(
      [...new Set(scenarios.map((scenario) => scenario.workflow))].toSorted(),
      Object.keys(workflows).toSorted(),
    );
    const names = histories.map((history) => history.name);
    for (const scenario of scenarios) assert.ok(names.includes(scenario.name), scenario.name);
    assert.ok(names.includes('collect-experience-continued-1'));
  });

  it('replay with the same content: inputs, timers, children, results', async () => {
    assert.deepEqual([...(await replayDifferences(bundle, histories))], []);
  });

  it('catch a workflow that asks for the same things with other content', async () => {
    const changed = await replayBundle(changedWorkflows);
    const history = histories.find(({ name }) => name === 'release-quarantine');
    assert.ok(history !== undefined);
    const difference = (await replayDifferences(changed, [history])).get('release-quarantine');
    assert.match(difference ?? '', /the history holds .*releaseQuarantinedSegment.*ada.*, the code asks for .*nobody/);
  });

  for (const [slip, change] of Object.entries(slips))
    it(`tell ${slip}`, async () => {
      const changed = histories
        .map(({ history, ...recorded }) => ({
          ...recorded,
          history: change((history as { events: Parameters<typeof change>[0] }).events),
        }))
        .filter(({ history }) => history !== undefined)
        .toSorted((one, other) => (one.history?.length ?? 0) - (other.history?.length ?? 0))
        .slice(0, 4);
      assert.ok(changed.length >= 2, `expected histories with something to change, got ${changed.length}`);
      const differences = await replayDifferences(
        bundle,
        changed.map(({ history, ...recorded }) => ({ ...recorded, history: { events: history } })),
      );
      for (const { name } of changed)
        assert.match(differences.get(name) ?? 'no difference', /the history holds|nondetermin|Nondetermin/, name);
    });
});
