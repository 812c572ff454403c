import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { defaultTaskLimits } from '../../../domain/experiment/limits.ts';
import { taskEvidence } from '../../../domain/experiment/task-evidence.ts';
import { dictionary } from '../../../domain/dictionary.ts';
import { otherTask, type RobotEvidence } from '../../../domain/statistics/index.ts';
import { parameters } from './fleets.ts';
import { plainTaskEvidence } from './plain-task-evidence.ts';

const tasks = ['a', 'b', 'c', '__proto__', 'constructor', '10', '9', otherTask];
const counts = fc.record({
  successes: fc.double({ min: 0, max: 5, noNaN: true }),
  episodes: fc.integer({ min: 0, max: 9 }),
});
const perTask = fc
  .array(fc.tuple(fc.constantFrom(...tasks), counts), { maxLength: 6 })
  .map((entries) => dictionary<{ successes: number; episodes: number }>(entries));
const robots: fc.Arbitrary<RobotEvidence[]> = fc.array(
  fc
    .record({
      arm: fc.constantFrom('candidate' as const, 'control' as const),
      blocks: fc.array(fc.option(perTask, { nil: undefined }), { maxLength: 8 }),
    })
    .map(({ arm, blocks }) => ({
      robotId: 'r',
      arm,
      baseline: { successes: 80, episodes: 100, days: 7 },
      blocks: blocks.map((own, block) => ({
        block,
        successes: 0,
        episodes: 0,
        ...(own === undefined ? {} : { perTask: own }),
      })),
    })),
  { maxLength: 12 },
);

/** The same robots with one block each, summed the plain way: robot by robot, a map of its own. */
const summed = (all: readonly RobotEvidence[]): RobotEvidence[] =>
  all.map((robot) => {
    const totals = new Map<string, { successes: number; episodes: number }>();
    for (const block of robot.blocks)
      for (const [task, { successes, episodes }] of Object.entries(block.perTask ?? {})) {
        const total = totals.get(task) ?? { successes: 0, episodes: 0 };
        totals.set(task, { successes: total.successes + successes, episodes: total.episodes + episodes });
      }
    return { ...robot, blocks: [{ block: 0, successes: 0, episodes: 0, perTask: dictionary([...totals]) }] };
  });

describe('the evidence of single tasks', () => {
  it('is, to the last bit, that of each robot’s own sums, whatever the blocks and names', () => {
    fc.assert(
      fc.property(robots, fc.subarray(tasks), (all, listed) => {
        const limits = { ...defaultTaskLimits, minimumEpisodes: 1 };
        const evidence = taskEvidence(parameters, all, 3, listed, limits);
        assert.deepEqual(evidence, taskEvidence(parameters, summed(all), 3, listed, limits));
        const seen = all.flatMap(({ blocks }) => blocks.flatMap((block) => Object.keys(block.perTask ?? {})));
        const named = new Set([...listed, ...seen.filter((task) => task !== otherTask)]);
        assert.deepEqual(new Set(evidence.map(({ task }) => task)), named);
        const told = evidence.reduce((sum, { episodes }) => sum + episodes.candidate + episodes.control, 0);
        const claimed = all.flatMap(({ blocks }) =>
          blocks.flatMap((block) =>
            Object.entries(block.perTask ?? {}).flatMap(([task, { episodes }]) =>
              task === otherTask ? [] : [episodes],
            ),
          ),
        );
        assert.equal(
          told,
          claimed.reduce((sum, episodes) => sum + episodes, 0),
        );
      }),
    );
  });

  it('is, to the last bit, what its definition gives robot by robot, for any limit', () => {
    const leasts = fc.constantFrom(1, 5, 30);
    fc.assert(
      fc.property(fc.array(robots, { maxLength: 4 }), fc.subarray(tasks), leasts, (some, listed, minimumEpisodes) => {
        const all = some.flat();
        const limits = { ...defaultTaskLimits, minimumEpisodes };
        const evidence = taskEvidence(parameters, all, 3, listed, limits);
        assert.deepEqual(evidence, plainTaskEvidence(parameters, all, 3, listed, limits));
        assert.equal(JSON.stringify(evidence), JSON.stringify(plainTaskEvidence(parameters, all, 3, listed, limits)));
      }),
      { numRuns: 300 },
    );
  });
});
