import assert from 'node:assert/strict';

import { lookAt } from '../../../domain/experiment/ab-look.ts';
import { defaultAbTestLimits } from '../../../domain/experiment/index.ts';
import { randomFromSeed } from '../../../domain/statistics/random.ts';
import type { Effect } from '../../../domain/statistics/index.ts';

/** An effect whose robots all know their residual equally well; `spread` of the residuals by arm. */
function effectOf(robots: { candidate: number; control: number }, spread: { candidate: number; control: number }) {
  const random = randomFromSeed('ab-look');
  const perRobot = (['candidate', 'control'] as const).flatMap((arm) =>
    Array.from({ length: robots[arm] }, (_, index) => ({
      robotId: `${arm}-${index}`,
      arm,
      episodes: 40,
      residual: spread[arm] * (random() - 0.5),
      variance: 0.01,
    })),
  );
  const effect: Effect = {
    delta: 0.01,
    variance: 0,
    treatedRobots: robots.candidate,
    controlRobots: robots.control,
    treatedEpisodes: 40 * robots.candidate,
    controlEpisodes: 40 * robots.control,
    droppedBlocks: 0,
    perRobot,
  };
  const residuals = (arm: 'candidate' | 'control') =>
    perRobot.filter((robot) => robot.arm === arm).map(({ residual }) => residual);
  return { effect, candidate: residuals('candidate'), control: residuals('control') };
}

/** Squared standard error of a mean, with Bessel's correction. */
const squaredErrorOf = (values: readonly number[]): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1) / values.length;
};

const near = (got: number, expected: number): void =>
  assert.ok(Math.abs(got - expected) <= 1e-9 * Math.max(1, Math.abs(expected)), `expected ${expected}, got ${got}`);

describe('one look at an A/B test', () => {
  const look = { look: 2, looks: 28, informationMax: 1e6 };

  it("has the variance and the degrees of freedom of Welch's test where robots know their residuals equally well", () => {
    for (const [robots, spread] of [
      [
        { candidate: 20, control: 80 },
        { candidate: 0.2, control: 0.05 },
      ],
      [
        { candidate: 12, control: 18 },
        { candidate: 0.05, control: 0.3 },
      ],
    ] as const) {
      const { effect, candidate, control } = effectOf(robots, spread);
      const [own, other] = [squaredErrorOf(candidate), squaredErrorOf(control)];
      const { variance, degreesOfFreedom } = lookAt(effect, look, defaultAbTestLimits);
      near(variance, own + other);
      near(
        degreesOfFreedom,
        (own + other) ** 2 / (own ** 2 / (candidate.length - 1) + other ** 2 / (control.length - 1)),
      );
      assert.ok(degreesOfFreedom < candidate.length + control.length - 2);
    }
  });

  it('has all degrees of freedom where no residual scatters, and never takes a variance below the expected one', () => {
    const { effect } = effectOf({ candidate: 20, control: 80 }, { candidate: 0, control: 0 });
    const seen = lookAt({ ...effect, variance: 4e-4 }, look, defaultAbTestLimits);
    assert.deepEqual([seen.degreesOfFreedom, seen.variance], [98, 4e-4]);
  });
});
