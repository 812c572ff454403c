import assert from 'node:assert/strict';

import { runPromotion } from '../../../bench/simulation/promotion-run.ts';
import { binomial, poisson } from '../../../bench/simulation/sampling.ts';
import { makeWorld } from '../../../bench/simulation/world.ts';
import { judgePromotion, type PromotedRobot } from '../../../domain/monitoring/index.ts';
import { randomFromSeed } from '../../../domain/statistics/index.ts';

/** A hundred robots with a week behind them; every look is given what they did since the promotion, an hour a cell. */
function promotion(seed: string, options: { change: number; days: number; lookMinutes: number; liar?: number }) {
  const world = makeWorld({ robots: 100, rho: 0.01, mean: 0.87, effect: 0 }, seed);
  const random = randomFromSeed(`after/${seed}`);
  const robots = world.robots.map(({ robotId, baseline }) => ({
    robotId,
    baseline,
    hours: [] as [number, number, number][],
  }));
  const looks = (options.days * 24 * 60) / options.lookMinutes;
  for (let look = 0; look < looks; look += 1) {
    const hour = Math.floor((look * options.lookMinutes) / 60);
    for (const [index, robot] of robots.entries()) {
      const n = poisson((1000 * options.lookMinutes) / 1440, random);
      const p = (world.robots[index]?.success ?? 0) + options.change;
      const factor = index === 0 ? (options.liar ?? 1) : 1;
      const x = index === 0 && options.liar !== undefined ? 0 : binomial(n, p, random);
      const last = robot.hours.at(-1);
      if (last !== undefined && last[0] === hour) {
        last[1] += x * factor;
        last[2] += n * factor;
      } else {
        robot.hours.push([hour, x * factor, n * factor]);
        if (robot.hours.length > 24) robot.hours.shift();
      }
    }
    const verdict = judgePromotion({ parameters: world.parameters, robots, nowHour: hour });
    if (verdict.alarm) return { minutes: (look + 1) * options.lookMinutes, verdict };
  }
  return { minutes: undefined, verdict: undefined };
}

describe('the guard of a promotion', function () {
  this.timeout(240_000);

  it('sees a fall from 87 to 75 % within the hour, and says of what it is sure', () => {
    const falls = Array.from({ length: 12 }, (_, run) =>
      promotion(`fall ${run}`, { change: -0.12, days: 1, lookMinutes: 5 }),
    );
    const minutes = falls.map((fall) => fall.minutes ?? Number.POSITIVE_INFINITY).toSorted((a, b) => a - b);
    assert.ok((minutes[6] ?? 0) <= 60, minutes.join(' '));
    assert.match(
      falls[0]?.verdict?.reason ?? '',
      /success −1\d(\.\d)? points against the robots' own past .* 2 points worse are allowed, n \d+ episodes of \d+ robots \(log evidence/,
    );
  });

  it('leaves an equal champion alone for 14 days', () => {
    for (let run = 0; run < 3; run += 1)
      assert.equal(promotion(`equal ${run}`, { change: 0, days: 14, lookMinutes: 120 }).minutes, undefined);
  });

  it('takes no night for a fall: a fleet that succeeds less by night keeps its champion, and loses one that falls', () => {
    const world = (effect: number, seed: string) =>
      makeWorld({ robots: 30, mean: 0.8, rho: 0.01, effect, preDays: 7, dayNight: 0.08 }, seed);
    for (const seed of ['night 1', 'night 2'])
      assert.equal(runPromotion(world(0, seed), { days: 14, minutesBetweenLooks: 48 }).end, 'kept');
    const fallen = runPromotion(world(-0.12, 'night'), { days: 4, minutesBetweenLooks: 48 });
    assert.ok(fallen.end === 'rolledBack' && fallen.hours <= 36, JSON.stringify(fallen));
  });

  it('is vetoed by no single robot, however many episodes it claims', () => {
    for (const liar of [1, 100])
      assert.equal(promotion(`liar ${liar}`, { change: 0, days: 1, lookMinutes: 60, liar }).minutes, undefined);
  });

  it('says nothing without a past, with few robots or few episodes', () => {
    const parameters = { mu: 0.8, phi: 1, dayVariance: 1e-5, betweenRobotVariance: 1e-4, preDays: 7 };
    const robot = (robotId: string, n: number): PromotedRobot => ({
      robotId,
      baseline: { successes: 800, episodes: 1000, days: 7 },
      hours: [[5, 0, n]],
    });
    const alarmOf = (robots: PromotedRobot[]): boolean => judgePromotion({ parameters, robots, nowHour: 5 }).alarm;
    assert.equal(alarmOf([]), false);
    assert.equal(alarmOf([robot('a', 100), robot('b', 100)]), false);
    assert.equal(alarmOf(['a', 'b', 'c'].map((id) => robot(id, 3))), false);
    assert.equal(alarmOf(['a', 'b', 'c'].map((id) => robot(id, 100))), true);
  });
});
