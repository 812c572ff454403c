import assert from 'node:assert/strict';

import { runInPool } from '../../bench/simulation/pool.ts';
import { missed, resultsOf } from '../../bench/simulation/report.ts';
import { scenarios } from '../../bench/simulation/scenarios.ts';

describe('simulation', () => {
  it('reaches the acceptance table in its reduced form', async () => {
    const outcomes = await runInPool({
      scenarios,
      runsOf: ({ reducedRuns }) => reducedRuns,
      seed: 'acceptance',
      workers: 2,
      onRuns: () => undefined,
    });
    assert.deepEqual(missed(resultsOf(scenarios, outcomes)), []);
  });
});
