import assert from 'node:assert/strict';
import { defaultRolloutLimits, planAbTest, planRollout } from '../../../domain/experiment/index.ts';
import { mixedConfidenceRadius, normalQuantile, standardErrorAt } from '../../../domain/statistics/index.ts';
import { provableLimits } from '../../../domain/trial/index.ts';

const outlook = { successFraction: 0.85, rho: 0.005, episodesPerRobotDay: 1000, preDays: 7, robots: 100 };

const armsOf = (robots: number): number[] => {
  const { candidateRobots, controlRobots } = planAbTest({ ...outlook, robots, effect: 0.05 });
  return [candidateRobots, controlRobots];
};

describe('planner', () => {
  it('plans an A/B test in looks of six hours, at least two of them', () => {
    assert.deepEqual(
      [planAbTest({ ...outlook, effect: 0.01 }).days, planAbTest({ ...outlook, effect: 0.01 }).looks],
      [1.75, 7],
    );
    assert.equal(planAbTest({ ...outlook, effect: 0.1 }).days, 0.5);
  });

  it('keeps at least ten robots a side where the fleet has them', () => {
    assert.deepEqual(
      [armsOf(100), armsOf(30), armsOf(12)],
      [
        [20, 80],
        [10, 20],
        [6, 6],
      ],
    );
  });

  it('says why an effect is out of reach', () => {
    const { days } = planAbTest({ ...outlook, effect: 0.001 });
    assert.match(
      typeof days === 'object' ? (days?.infeasible ?? '') : '',
      /20 \+ 80 robots see 0\.\d\d pp after 7 days, not 0\.10 pp/u,
    );
  });

  it('gives a stage the time that an equal candidate needs, and says before the start which one it cannot prove', () => {
    const hoursOf = (episodesPerRobotDay: number, successFraction = 0.95) => {
      const { limits, remarks } = provableLimits(defaultRolloutLimits, {
        ...outlook,
        episodesPerRobotDay,
        successFraction,
      });
      return { hours: limits.stages.map(({ maximumHours }) => maximumHours), remarks };
    };
    assert.deepEqual(hoursOf(1000, 0.85), { hours: [48, 96, 48, 96], remarks: [] });
    const some = hoursOf(100);
    assert.ok((some.hours[0] ?? 0) > 100 && (some.hours[0] ?? 0) <= 210);
    assert.match(some.remarks[0] ?? '', /stage 1 of 4 with 5 robots at 100 episodes .* may take \d+ h instead of 48/u);
    const few = hoursOf(5);
    assert.deepEqual(few.hours, [48, 96, 48, 96]);
    assert.match(
      few.remarks[0] ?? '',
      /cannot prove an equal candidate within 168 h: one that is about 1\d\.\d pp better/u,
    );
  });

  it('plans the stages of a rollout, with reasons where a stage cannot be proven', () => {
    const stages = planRollout(outlook);
    assert.deepEqual(
      stages.map(({ robots }) => robots),
      [5, 25, 50, 95],
    );
    assert.ok(stages.every(({ hours, maximumHours }) => typeof hours === 'number' && hours <= maximumHours));
    // What a stage can see is decided by both of its arms: 95 robots against 5 see no more than 5 against 95.
    for (const { robots, hours, detectableLossFraction } of stages) {
      assert.ok(typeof hours === 'number');
      const error = standardErrorAt({ ...outlook, treatedRobots: robots, controlRobots: 100 - robots }, hours / 24);
      const radius = mixedConfidenceRadius({ variance: error * error, ...defaultRolloutLimits.advance });
      assert.ok(Math.abs(detectableLossFraction - radius - normalQuantile(0.9) * error) < 1e-12);
    }
    const [canaries] = planRollout({ ...outlook, robots: 20, episodesPerRobotDay: 50 });
    assert.match(
      typeof canaries?.hours === 'object' ? canaries.hours.infeasible : '',
      /5 robots prove .* in 48 h, 3\.00 pp is asked/u,
    );
    const [none] = planRollout({ ...outlook, robots: 4 });
    assert.match(typeof none?.hours === 'object' ? none.hours.infeasible : '', /no robot is left/u);
  });
});
