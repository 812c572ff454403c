import assert from 'node:assert/strict';

import { isFarBelow } from '../../../domain/experiment/index.ts';
import type { FleetParameters } from '../../../domain/statistics/index.ts';

const fleet = (mu: number): FleetParameters => ({
  mu,
  phi: 1,
  betweenRobotVariance: 0.001,
  dayVariance: 0,
  preDays: 7,
});
const isFar = (excess: number, error: number, mu: number): boolean =>
  isFarBelow({ excess, error, episodes: 1_000 }, fleet(mu));

describe('a fleet below its own past', () => {
  it('is far below from 25 pp on, or from half of its success on if that is less', () => {
    assert.deepEqual([isFar(-0.25, 0.01, 0.9), isFar(-0.249, 0.01, 0.9)], [true, false]);
    assert.deepEqual([isFar(-0.1, 0.01, 0.2), isFar(-0.099, 0.01, 0.2)], [true, false]);
  });

  it('is so only beyond four standard errors', () => {
    assert.deepEqual([isFar(-0.4, 0.1, 0.9), isFar(-0.4, 0.101, 0.9)], [true, false]);
  });
});
