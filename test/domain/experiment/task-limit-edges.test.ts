import assert from 'node:assert/strict';

import { defaultTaskLimits, judgeTasks, type TaskVerdict } from '../../../domain/experiment/index.ts';
import { holm, benjaminiHochberg, type RobotEvidence } from '../../../domain/statistics/index.ts';
import { assertEdge, near, numbersIn, withValue, type Edge } from './edges.ts';
import { parameters } from './fleets.ts';

const tasks = ['arch', 'door', 'hall', 'ramp'] as const;

/** Twenty robots, half of them candidates, 85 % success in each task less what the candidates lose in the second. */
function fleet(lost: number, episodes: number): RobotEvidence[] {
  return Array.from({ length: 20 }, (_, index) => {
    const arm = index < 10 ? 'candidate' : 'control';
    const perTask = Object.fromEntries(
      tasks.map((task) => {
        const success = 0.85 - (arm === 'candidate' && task === 'door' ? lost : 0);
        return [task, { successes: Math.round(success * episodes), episodes }];
      }),
    );
    return {
      robotId: `robot-${index}`,
      arm,
      baseline: { successes: 59_500, episodes: 70_000, days: 7 },
      blocks: [{ block: 0, successes: 0, episodes: 0, perTask }],
    };
  });
}

function netOf(path: string, mode: 'abTest' | 'guard', lost: number, episodes = 100, others: object = {}) {
  const robots = fleet(lost, episodes);
  const judge = (value: number): TaskVerdict =>
    judgeTasks({
      parameters,
      robots,
      mode,
      daysTreated: 1,
      limits: withValue({ ...defaultTaskLimits, ...others }, path, value),
    });
  const at = (value: number) => {
    const { block, warn } = judge(value);
    return `blocks ${block.join(' ')}, warns of ${warn.join(' ')}`;
  };
  return { judge, at };
}
const evidenceOf = (verdict: TaskVerdict) => verdict.perTask.find(({ task }) => task === 'door') ?? assert.fail();

/** Where a number brings the evidence against a task to the number of tasks over alpha. */
function evidenceEdge(path: string, between: Edge['between'], lost: number): Edge {
  const { judge, at } = netOf(path, 'guard', lost, 100, { meanEvidence: 1e300 });
  return {
    at,
    between,
    expected: (found) =>
      near(evidenceOf(judge(found)).logEvidence, Math.log(tasks.length / defaultTaskLimits.blockAlpha), 1e-5),
  };
}

const edges: Readonly<Record<string, Edge>> = {
  marginFraction: evidenceEdge('marginFraction', [0, 0.1], 0.1),
  tau: evidenceEdge('tau', [1e-4, 0.05], 0.09),
  minimumEpisodes: {
    at: netOf('minimumEpisodes', 'guard', 0.3).at,
    between: [1, 100_000],
    isWhole: true,
    expected: 10 * 100 + 1,
  },
  blockAlpha: (() => {
    const { judge, at } = netOf('blockAlpha', 'abTest', 0.07, 100, { warnFraction: 0 });
    const p = judge(0.01).perTask.map((task) => task.pWithoutWorst);
    return { at, between: [1e-9, 0.49], expected: Math.min(...holm(p, 0.01).adjusted) } as const;
  })(),
  warnFraction: (() => {
    const { judge, at } = netOf('warnFraction', 'abTest', 0.045);
    const p = judge(0.1).perTask.map((task) => task.p);
    return {
      at,
      between: [0, 1],
      expected: (found) =>
        assert.ok(
          benjaminiHochberg(p, found + 1e-9).rejected.includes(true) &&
            !benjaminiHochberg(p, found - 1e-6).rejected.includes(true),
        ),
    } as const;
  })(),
  meanEvidence: (() => {
    const { judge, at } = netOf('meanEvidence', 'guard', 0.15, 100, { blockAlpha: 1e-300 });
    const evidence = judge(100).perTask.map(({ logEvidence }) => Math.exp(logEvidence));
    return {
      at,
      between: [2, 1e13],
      expected: evidence.reduce((sum, value) => sum + value, 0) / evidence.length,
    } as const;
  })(),
};

describe('every number of the task limits is obeyed at its edge', () => {
  it('has a case', () => {
    assert.deepEqual(Object.keys(edges).toSorted(), numbersIn(defaultTaskLimits).toSorted());
  });
  for (const [path, edge] of Object.entries(edges)) it(path, () => assertEdge(path, edge));
});
