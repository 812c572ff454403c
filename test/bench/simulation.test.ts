import assert from 'node:assert/strict';
import { judgeGuard } from '../../domain/experiment/index.ts';
import { runInPool } from '../../bench/simulation/pool.ts';
import { missed, resultsOf } from '../../bench/simulation/report.ts';
import { runRollout } from '../../bench/simulation/rollout-run.ts';
import { scenarios } from '../../bench/simulation/scenarios.ts';
import { makeWorld } from '../../bench/simulation/world.ts';

/** Better and worse candidates, faults, attackers, few robots, and the time after a promotion. */
const aFewKinds = new Set([
  'equal-0.02',
  'broken-canary',
  'one-offline',
  'all-silent',
  'after-fall',
  'sparse-better-20-0.3',
  'sparse-worse-20-0.3',
  'attack-veto-5',
]);

describe('simulation', () => {
  it('judges every tick as the judge does from all blocks', () => {
    const world = makeWorld({ robots: 40, rho: 0.01, effect: 0 }, 'book');
    let compared = 0;
    const run = runRollout(world, 'book', {
      faults: { brokenCanarySuccess: 0.3, offline: { who: 'everybody', fromHour: 8, hours: 0.5 } },
      inspect: (verdict, book, situation) => {
        if (book.blocks % 37 !== 0) return;
        compared += 1;
        const { delta, variance, logEvidence, lowerBound, ...rest } = judgeGuard({
          ...situation,
          robots: book.fullEvidence(),
        });
        assert.ok(Math.abs(delta - verdict.delta) < 1e-9 && Math.abs(variance - verdict.variance) < 1e-9);
        assert.ok(
          Math.abs(logEvidence - verdict.logEvidence) < 1e-6 && Math.abs(lowerBound - verdict.lowerBound) < 1e-9,
        );
        assert.deepEqual(
          [rest.verdict, rest.treatedRobots, rest.controlRobots, rest.treatedEpisodes, rest.controlEpisodes],
          [
            verdict.verdict,
            verdict.treatedRobots,
            verdict.controlRobots,
            verdict.treatedEpisodes,
            verdict.controlEpisodes,
          ],
        );
      },
    });
    assert.equal(run.robotFaults, 1);
    assert.ok(compared > 10, `${compared} ticks compared`);
  });

  it('gives the same run for the same seed', () => {
    const [one, two] = ['s', 's'].map((seed) =>
      runRollout(makeWorld({ robots: 30, rho: 0.005, effect: -0.05 }, seed), seed),
    );
    assert.deepEqual(one, two);
  });

  it('plays a run of each kind of scenario in processes of their own; the acceptance table is a long test', async () => {
    const outcomes = await runInPool({
      scenarios: scenarios.filter(({ id }) => aFewKinds.has(id)),
      runsOf: () => 1,
      seed: 'acceptance',
      workers: 2,
      onRuns: () => undefined,
    });
    assert.deepEqual(new Set(outcomes.keys()), aFewKinds);
    const few = scenarios.filter(({ id }) => aFewKinds.has(id));
    assert.deepEqual(missed(resultsOf(few, outcomes)), []);
  });
});
