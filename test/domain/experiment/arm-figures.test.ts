import assert from 'node:assert/strict';

import { armFigures, taskFigures } from '../../../domain/experiment/arm-figures.ts';
import type { RobotEvidence } from '../../../domain/experiment/index.ts';

const robot = (
  robotId: string,
  arm: RobotEvidence['arm'],
  blocks: readonly (readonly [block: number, successes: number, episodes: number])[],
): RobotEvidence => ({
  robotId,
  arm,
  baseline: { successes: 0, episodes: 0, days: 0 },
  blocks: blocks.map(([block, successes, episodes]) => ({
    block,
    successes,
    episodes,
    perTask: { turn: { successes, episodes }, rest: { successes: 0, episodes: 0 } },
  })),
});

describe('plain success of both arms', () => {
  const robots = [
    robot('a', 'candidate', [
      [5, 3, 4],
      [6, 1, 4],
      [7, 9, 9],
    ]),
    robot('b', 'candidate', []),
    robot('c', 'control', [
      [0, 50, 50],
      [5, 4, 5],
      [6, 2, 5],
      [8, 9, 9],
    ]),
  ];

  it('is of the times in which both have episodes', () => {
    assert.deepEqual(armFigures(robots), {
      candidate: { successes: 4, episodes: 8, robots: 1 },
      control: { successes: 6, episodes: 10, robots: 1 },
    });
  });

  it('is of all times where one arm is alone', () => {
    const alone = robots.filter(({ arm }) => arm === 'candidate');
    assert.deepEqual(armFigures(alone).candidate, { successes: 13, episodes: 17, robots: 1 });
    assert.deepEqual(armFigures([]).control, { successes: 0, episodes: 0, robots: 0 });
  });

  it('is of the tasks that are asked for', () => {
    assert.deepEqual(taskFigures(robots, []), []);
    assert.deepEqual(taskFigures(robots, ['turn', 'none']), [
      {
        task: 'turn',
        candidate: { successes: 13, episodes: 17, robots: 1 },
        control: { successes: 65, episodes: 69, robots: 1 },
      },
      {
        task: 'none',
        candidate: { successes: 0, episodes: 0, robots: 0 },
        control: { successes: 0, episodes: 0, robots: 0 },
      },
    ]);
  });
});
