import assert from 'node:assert/strict';
import { judgeHeldOutTasks, judgeTasks } from '../../../domain/experiment/index.ts';
import { randomFromSeed, type RobotEvidence } from '../../../domain/statistics/index.ts';
import { binomial } from '../../../bench/simulation/sampling.ts';
import { parameters } from './fleets.ts';

const names = Array.from({ length: 12 }, (_, index) => `task-${String(index).padStart(2, '0')}`);

/** Forty robots, half of them candidates; `drop` is taken off the candidates in one task. */
function fleet(options: { drop?: number; episodes?: number; seed?: string }): RobotEvidence[] {
  const { drop = 0, episodes = 60, seed = 'tasks' } = options;
  const random = randomFromSeed(seed);
  return Array.from({ length: 40 }, (_, index) => {
    const level = 0.02 * (index % 5) - 0.04;
    const arm = index < 20 ? 'candidate' : 'control';
    const perTask = Object.fromEntries(
      names.map((name, task) => {
        const p = 0.75 + 0.015 * task + level - (arm === 'candidate' && task === 4 ? drop : 0);
        let successes = 0;
        for (let episode = 0; episode < episodes; episode += 1) if (random() < p) successes += 1;
        return [name, { successes, episodes }];
      }),
    );
    return {
      robotId: `robot-${index}`,
      arm,
      baseline: { successes: (0.85 + level) * 70_000, episodes: 70_000, days: 7 },
      blocks: [{ block: 0, successes: 0, episodes: 0, perTask }],
    };
  });
}
const base = { parameters, daysTreated: 1 };

describe('nets against forgetting a task', () => {
  it('block the one task that got worse, with its figures', () => {
    const verdict = judgeTasks({ ...base, robots: fleet({ drop: 0.12 }), mode: 'abTest' });
    assert.deepEqual(verdict.block, ['task-04']);
    assert.match(
      verdict.reasons[0] ?? '',
      /task task-04: -1\d\.\d\d pp, 2 pp allowed \(Holm; 1200 and 1200 episodes of 20 and 20 robots\)/u,
    );
  });

  it('warn before they block', () => {
    const verdict = judgeTasks({ ...base, robots: fleet({ drop: 0.075 }), mode: 'abTest' });
    assert.deepEqual([verdict.block, verdict.warn], [[], ['task-04']]);
  });

  it('do not block equal tasks', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const robots = fleet({ seed: `equal-${seed}` });
      for (const mode of ['abTest', 'guard'] as const)
        assert.deepEqual(judgeTasks({ ...base, robots, mode }).block, []);
    }
  });

  it('do not take a handful of failures in an easy task for proof', () => {
    // 3 of 30 failed where 2 % are tolerated: 2 % of fair candidates do so, a normal tail would say 0.1 %
    const easy = (arm: 'candidate' | 'control', index: number, episodes: number, failures: number): RobotEvidence => ({
      robotId: `${arm}-${index}`,
      arm,
      baseline: { successes: 59_500, episodes: 70_000, days: 7 },
      blocks: [
        { block: 0, successes: 0, episodes: 0, perTask: { door: { successes: episodes - failures, episodes } } },
      ],
    });
    const robots = Array.from({ length: 10 }, (_, index) => [
      easy('candidate', index, 3, index < 3 ? 1 : 0),
      easy('control', index, 1000, 0),
    ]).flat();
    for (const mode of ['abTest', 'guard'] as const) assert.deepEqual(judgeTasks({ ...base, robots, mode }).block, []);
  });

  it('list tasks with too few episodes as unproven, also those never seen', () => {
    const verdict = judgeTasks({
      ...base,
      robots: fleet({ episodes: 1, drop: 0.5 }),
      mode: 'abTest',
      tasks: ['task-99'],
    });
    assert.deepEqual(verdict.unproven, [...names, 'task-99']);
    assert.deepEqual([verdict.block, verdict.perTask.every(({ p }) => p === 1)], [[], true]);
  });

  it('latch a task in the guard', () => {
    const crossed = judgeTasks({ ...base, robots: fleet({ drop: 0.2 }), mode: 'guard' });
    assert.deepEqual(crossed.latched, ['task-04']);
    const later = judgeTasks({ ...base, robots: fleet({}), mode: 'guard', latched: crossed.latched });
    assert.deepEqual(later.block, ['task-04']);
  });

  it('leave the only task of a fleet to the guard itself, which knows a broken robot from a bad candidate', () => {
    const robots = fleet({ drop: 0.2 }).map((robot) => ({
      ...robot,
      blocks: robot.blocks.map(({ perTask = {}, ...block }) => {
        const own = Object.entries(perTask).filter(([task]) => task === 'task-04');
        return { ...block, perTask: Object.fromEntries(own) };
      }),
    }));
    const verdict = judgeTasks({ ...base, robots, mode: 'guard' });
    assert.ok((verdict.perTask[0]?.logEvidence ?? 0) > Math.log(100));
    assert.deepEqual([verdict.block, verdict.latched], [[], []]);
  });

  it('have nothing to say about no robots', () => {
    const verdict = judgeTasks({ ...base, robots: [], mode: 'guard' });
    assert.deepEqual([verdict.block, verdict.perTask], [[], []]);
  });

  it('compare old and new on the same held-out episodes before any robot moves', () => {
    const verdict = judgeHeldOutTasks({
      tasks: [
        { task: 'door', onlyNew: 2, onlyOld: 30, total: 200 },
        { task: 'shelf', onlyNew: 10, onlyOld: 12, total: 200 },
        { task: 'stairs', onlyNew: 0, onlyOld: 20, total: 20 },
      ],
    });
    assert.deepEqual([verdict.block, verdict.unproven], [['door'], ['stairs']]);
    assert.equal(verdict.perTask[2]?.p, 1);
  });
});

describe('nets against forgetting one of 150 tasks', () => {
  const all = Array.from({ length: 150 }, (_, index) => `task-${String(index).padStart(3, '0')}`);
  /** A day of 100 robots × 1,000 episodes, 20 on the candidate, tasks as common as 1, ½, ⅓, … of each other. */
  function day(seed: string, forgotten: Readonly<Record<string, number>> = {}): RobotEvidence[] {
    const random = randomFromSeed(seed);
    const share = all.map((_, index) => 1 / (1 + index / 10));
    const total = share.reduce((sum, part) => sum + part, 0);
    return Array.from({ length: 100 }, (_, robot) => {
      const level = 0.01 * ((robot % 5) - 2);
      const arm = robot % 5 === 0 ? 'candidate' : 'control';
      const perTask = Object.fromEntries(
        all.map((task, index) => {
          const episodes = Math.round((1_000 * (share[index] ?? 0)) / total);
          const drop = arm === 'candidate' ? (forgotten[task] ?? 0) : 0;
          const success = Math.min(1, 0.8 + 0.001 * index + level - drop);
          return [task, { successes: binomial(episodes, success, random), episodes }];
        }),
      );
      return {
        robotId: `robot-${robot}`,
        arm,
        baseline: { successes: (0.85 + level) * 70_000, episodes: 70_000, days: 7 },
        blocks: [{ block: 0, successes: 0, episodes: 0, perTask }],
      };
    });
  }

  it('find the forgotten one, common or rare, and no other', () => {
    for (const task of ['task-003', 'task-120'])
      for (const mode of ['abTest', 'guard'] as const) {
        const { block, perTask, unproven } = judgeTasks({ ...base, robots: day(task, { [task]: 0.4 }), mode });
        assert.deepEqual([block, perTask.length, unproven], [[task], 150, []]);
      }
  });

  it('block nothing in thirty days of equal models', () => {
    for (let seed = 0; seed < 30; seed += 1) {
      const robots = day(`equal-${seed}`);
      for (const mode of ['abTest', 'guard'] as const)
        assert.deepEqual(judgeTasks({ ...base, robots, mode }).block, [], `seed ${seed}, ${mode}`);
    }
  });
});
