import assert from 'node:assert/strict';

import type { CycleReportAnswer } from '../../console/answers/cycles.ts';
import { readCycleReport, thinned } from '../../console/cycle-report-view.ts';
import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { policy } from '../activities/facts/fact-world.ts';
import { ask, noTemporal, openConsoleWorld } from './console-world.ts';

const head = { cycleId: 'c1', policy, outcome: 'offered', reason: 'r', cause: 'c', writtenAtMs: 1 };
const store = memoryObjectStore();
const viewOf = async (report: object): Promise<Omit<CycleReportAnswer, 'readAtMs'>> => {
  await store.put('reports/c1.json', jsonBytes({ ...head, ...report }));
  return readCycleReport(store, 'c1');
};

describe('the report of a cycle for the console', () => {
  it('is bounded, however long the report is, and says what was left out', async () => {
    const report = await viewOf({
      collection: { verdict: 'ok', robotsLeftOut: Array.from({ length: 500 }, (_, at) => `r${at}`), rules: [] },
      mix: {
        strata: Array.from({ length: 1_000 }, (_, at) => ({ source: 'new', task: `t${at}`, takenFrames: at })),
      },
      training: { curve: Array.from({ length: 9_001 }, (_, step) => ({ step, trainLoss: 1 })) },
      evaluation: { disagreements: [{ images: [{ jpeg: 'A'.repeat(100_000) }] }], gates: [] },
    });
    assert.deepEqual([report.collection?.robotsLeftOut.length, report.collection?.robotsLeftOutTotal], [100, 500]);
    assert.deepEqual([report.mix?.strata.length, report.mix?.strataTotal], [200, 1_000]);
    const { curve = [], curveTotal } = report.training ?? {};
    assert.deepEqual([curve.length, curveTotal, curve[0]?.step, curve.at(-1)?.step], [500, 9_001, 0, 9_000]);
    assert.ok(JSON.stringify(report).length < 60_000);
  });

  it('opens reports of earlier versions, in which what was not told is unknown and not zero', async () => {
    const old = await viewOf({
      mix: { strata: [] },
      training: null,
      evaluation: { gates: [{ id: 'g', outcome: 'pass' }] },
    });
    assert.deepEqual([old.collection, old.training, old.mix?.failuresWaiting], [null, null, null]);
    assert.deepEqual(old.evaluation?.gates[0], {
      id: 'g',
      outcome: 'pass',
      value: null,
      limit: null,
      unit: null,
      sampleSize: null,
      sentence: null,
    });
    await assert.rejects(readCycleReport(store, 'c2'), /there is no report of a cycle c2/);
  });

  it('says what changed since the cycle before, as the report does, and judges tasks from the worst', async () => {
    const task = (name: string, agreementFraction: number | null) => ({
      task: name,
      agreementFraction,
      episodes: 1,
      frames: 9,
    });
    const judged = { accuracyFraction: 0.9, championFraction: null, frames: 10, gates: [{ id: 'g', outcome: 'fail' }] };
    const before = {
      ...head,
      cycleId: 'c0',
      collection: { episodesStored: 5 },
      evaluation: { ...judged, tasks: [task('a', 0.5), task('b', 0.75), task('gone', 0.1)] },
    };
    const now = {
      collection: { verdict: 'ok', episodesStored: 9 },
      evaluation: {
        ...judged,
        accuracyFraction: 0.93,
        gates: [{ id: 'g', outcome: 'pass' }],
        tasks: [task('a', 0.875), task('b', 0.75), task('new', null)],
      },
    };
    const { since, evaluation } = await viewOf({ ...now, before });
    const figure = (name: string) => since?.figures.find((one) => one.name === name);
    assert.deepEqual([since?.cycleId, since?.outcome], ['c0', 'offered']);
    assert.deepEqual(figure('Episodes stored'), { name: 'Episodes stored', unit: 'count', before: 5, now: 9 });
    assert.deepEqual(
      [figure('Agreement of the candidate')?.before, figure('Agreement of the champion')?.now],
      [0.9, null],
    );
    assert.equal(figure('Steps of training')?.before, null);
    assert.deepEqual(since?.gates, [{ id: 'g', before: 'fail', now: 'pass' }]);
    assert.deepEqual(since?.tasks, [{ task: 'a', before: 0.5, now: 0.875 }]);
    assert.deepEqual(
      evaluation?.tasks.map((one) => one.task),
      ['b', 'a', 'new'],
    );
    assert.equal((await viewOf(now)).since, null);
    assert.equal((await viewOf({ ...now, before: { ...before, evaluation: null } })).since?.gates, null);
  });

  it('keeps every item of a short list, and the ends of a long one', () => {
    assert.deepEqual(thinned([1, 2], 2), [1, 2]);
    assert.deepEqual(thinned([1, 2, 3, 4, 5], 3), [1, 3, 5]);
  });

  it('tells a running cycle with its step from none, and from a server that does not answer', async () => {
    const world = await openConsoleWorld();
    try {
      const path = `/api/v1/cycle/now?policy=${policy}`;
      assert.equal((await world.get(path)).status, 503);
      const run = {
        workflowId: 'cycle/wall-1',
        run: 'RUNNING',
        startedMs: 1,
        endedMs: null,
        status: { stage: 'training' },
      };
      const asked: unknown[] = [];
      const app = await world.on({
        loop: {
          ...noTemporal,
          runningCycle: async (...given) => {
            asked.push(given);
            return asked.length === 1 ? null : { cycle: run, collection: null, training: { ...run, status: null } };
          },
        },
      });
      assert.equal((await ask(app, path, world.token)).body['cycle'], null);
      const { body } = await ask(app, path, world.token);
      assert.deepEqual([body['cycle'], body['training']], [run, { ...run, status: null }]);
      assert.deepEqual(asked[0], [policy, 'scitos-g5']);
      assert.equal((await world.get('/api/v1/cycle/now?policy=nobody')).status, 404);
      assert.equal((await world.get('/api/v1/cycle/report?id=..')).status, 400);
      assert.equal((await world.get('/api/v1/cycle/report?id=c9')).status, 404);
    } finally {
      await world.close();
    }
  }).timeout(30_000);
});
