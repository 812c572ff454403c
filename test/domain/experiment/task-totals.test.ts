import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { defaultTaskLimits } from '../../../domain/experiment/limits.ts';
import { taskEvidence } from '../../../domain/experiment/task-evidence.ts';
import { dictionary } from '../../../domain/dictionary.ts';
import { judgeTasks } from '../../../domain/experiment/index.ts';
import { otherTask, type RobotEvidence } from '../../../domain/statistics/index.ts';
import { blocksOf, packCells, TaskNames, unpackCells, type Cells } from '../../../domain/trial/index.ts';
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

/** The same robots as the store of cells gives them: parts of `width` blocks each, and each part’s tasks in a table of its own. */
function packed(all: readonly RobotEvidence[], width: number): RobotEvidence[] {
  const parts = new Map<number, Cells>();
  for (const [index, { blocks }] of all.entries())
    for (const { block, successes, episodes, perTask } of blocks) {
      const part = parts.get(Math.floor(block / width)) ?? dictionary();
      parts.set(Math.floor(block / width), part);
      const own = perTask === undefined ? {} : { perTask: dictionary(Object.entries(perTask)) };
      ((part[`r${index}`] ??= dictionary())['1.0.0'] ??= []).push({ block, successes, episodes, ...own });
    }
  const shared = new TaskNames();
  // The last part is of another process.
  const stored = [...parts.values()].map((part, index) =>
    packCells(part, index + 1 === parts.size ? new TaskNames() : shared),
  );
  return all.map((robot, index) => ({
    ...robot,
    blocks: stored.flatMap((part) => (part[`r${index}`]?.['1.0.0'] ?? []).flatMap((cell) => blocksOf(cell))),
  }));
}

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

  it('is, to the last bit, what its definition gives for the dictionaries, where cells are kept as tables', () => {
    const leasts = fc.constantFrom(1, 5, 30);
    fc.assert(
      fc.property(robots, fc.integer({ min: 1, max: 4 }), fc.subarray(tasks), leasts, (all, width, listed, least) => {
        const limits = { ...defaultTaskLimits, minimumEpisodes: least };
        const evidence = taskEvidence(parameters, packed(all, width), 3, listed, limits);
        assert.equal(JSON.stringify(evidence), JSON.stringify(plainTaskEvidence(parameters, all, 3, listed, limits)));
      }),
      { numRuns: 200 },
    );
  });

  it('is the same where claims are scaled down, of dictionaries and of tables', () => {
    const liar = fc.integer({ min: 1_000, max: 100_000 });
    fc.assert(
      fc.property(fc.array(robots, { minLength: 2, maxLength: 3 }), liar, (some, claimed) => {
        const all = some.flat().map((robot, index) => ({
          ...robot,
          blocks: robot.blocks.map((block) => ({ ...block, episodes: index === 0 ? claimed : 3 })),
        }));
        const asked = { parameters, daysTreated: 3, mode: 'guard', limits: { minimumEpisodes: 1 } } as const;
        const plain = judgeTasks({ ...asked, robots: all });
        assert.equal(JSON.stringify(judgeTasks({ ...asked, robots: packed(all, 3) })), JSON.stringify(plain));
      }),
      { numRuns: 50 },
    );
  });

  it('comes from cells that are as they were once they are unpacked, whatever their tasks are called', () => {
    const made = (): Cells => {
      const bare = { block: 3, successes: 1, episodes: 2 };
      const lists: [string, Cells[string][string]][] = [
        ['__proto__', [{ ...bare, latencies: 1 }]],
        ['r', [{ ...bare, perTask: counted() }]],
      ];
      return dictionary(lists.map(([robotId, list]) => [robotId, dictionary([['1.0.0', list]])] as const));
    };
    const counted = () =>
      dictionary(['b', '10', '__proto__', otherTask, '9'].map((task, at) => [task, { successes: at, episodes: 9 }]));
    const unpacked = unpackCells(packCells(made(), new TaskNames()));
    assert.deepEqual(unpacked, made());
    assert.equal(JSON.stringify(unpacked), JSON.stringify(made()));
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
