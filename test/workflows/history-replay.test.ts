import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';

import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';

import * as workflows from '../../workflows/index.ts';
import { slips } from './changed-histories.ts';
import { replayBundle, replayDifferences, type RecordedHistory } from './replay.ts';
import { scenarios } from './scenarios.ts';

type Events = Parameters<(typeof slips)[string]>[0];

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

  describe('that another code had written are told:', () => {
    let changed: ReadonlyMap<string, readonly RecordedHistory[]>;
    let differences: ReadonlyMap<string, string>;

    // A replay loads the bundle into a fresh thread: one for all of them, each slip in histories of its own.
    before(async () => {
      changed = slipped(histories);
      differences = await replayDifferences(bundle, [...changed.values()].flat());
    });

    for (const slip of Object.keys(slips))
      it(slip, () => {
        const own = changed.get(slip) ?? [];
        assert.ok(own.length >= 2, `expected histories with something to change, got ${own.length}`);
        for (const { name } of own)
          assert.match(differences.get(name) ?? 'no difference', /the history holds|nondetermin|Nondetermin/, name);
      });
  });
});

/** A few short histories for each slip, changed by it; none for two. What few histories can show chooses first. */
function slipped(histories: readonly RecordedHistory[]): ReadonlyMap<string, readonly RecordedHistory[]> {
  const byLength = histories
    .map(({ history, ...recorded }) => ({ ...recorded, events: (history as { events: Events }).events }))
    .toSorted((one, other) => one.events.length - other.events.length);
  const rarest = Object.entries(slips)
    .map(([slip, change]) => {
      const able = byLength.flatMap(({ events, ...recorded }) => {
        const history = change(events);
        return history === undefined ? [] : [{ ...recorded, history: { events: history } }];
      });
      return { slip, able };
    })
    .toSorted((one, other) => one.able.length - other.able.length);
  const used = new Set<string>();
  return new Map(
    rarest.map(({ slip, able }) => {
      const own = able.filter(({ name }) => !used.has(name)).slice(0, 3);
      for (const { name } of own) used.add(name);
      return [slip, own];
    }),
  );
}
