import assert from 'node:assert/strict';

import { normal, binomial } from '../../../bench/simulation/sampling.ts';
import {
  fleetDayVarianceOf,
  fleetVarianceOf,
  randomFromSeed,
  type VersionedHistory,
} from '../../../domain/statistics/index.ts';

/** Ten robots; every day has its version and how much better than 80 % everybody was. */
function history(days: readonly { version: string; shift: number }[], seed: string, robots = 10): VersionedHistory[] {
  const random = randomFromSeed(seed);
  return Array.from({ length: robots }, (_, index) => ({
    robotId: `robot-${index}`,
    cells: days.map(({ version, shift }, day) => ({
      day,
      hour: 12,
      policyVersion: version,
      episodes: 1000,
      successes: binomial(1000, 0.8 + shift, random),
    })),
  }));
}

describe('the fleet from day to day', () => {
  it('is told as an upper limit: nine of ten weeks of a fleet that moves say at least as much as it moves', () => {
    const sd = 0.03;
    const random = randomFromSeed('weeks');
    const told = Array.from({ length: 200 }, (_, run) =>
      fleetDayVarianceOf(
        history(
          Array.from({ length: 7 }, () => ({ version: '1.0.0', shift: sd * normal(random) })),
          `week ${run}`,
        ),
        '1.0.0',
      ),
    );
    const enough = told.filter((variance) => variance >= sd ** 2).length;
    assert.ok(enough >= 170, `${enough} of 200`);
  });

  it('is next to nothing where days are alike, and does not take another version for movement', () => {
    const alike = Array.from({ length: 14 }, (_, day) => ({
      version: day < 7 ? '1.0.0' : '1.1.0',
      shift: 0.1 * +(day < 7),
    }));
    assert.ok(fleetDayVarianceOf(history(alike, 'alike'), '1.1.0') < 0.005 ** 2);
  });

  it('learns of movement from days of earlier versions, and of none from a version on a few robots', () => {
    const moving = [0.05, -0.05, 0.05, -0.05].map((shift) => ({ version: '1.0.0', shift }));
    assert.ok(fleetDayVarianceOf(history([...moving, { version: '1.1.0', shift: 0 }], 'm'), '1.1.0') >= 0.05 ** 2);
    const few = history(moving, 'few', 3);
    const others = history(
      Array.from({ length: 4 }, () => ({ version: '0.9.0', shift: 0 })),
      'rest',
      10,
    );
    const fleet = [...few, ...others.map((robot) => ({ ...robot, robotId: `other ${robot.robotId}` }))];
    assert.ok(fleetDayVarianceOf(fleet, '1.0.0') < 0.005 ** 2);
  });

  it('counts day and night in stretches shorter than a day, not from day to day', () => {
    const random = randomFromSeed('night');
    const robots = Array.from({ length: 10 }, (_, index) => ({
      robotId: `robot-${index}`,
      cells: Array.from({ length: 7 * 24 }, (__, hour) => ({
        day: Math.floor(hour / 24),
        hour: hour % 24,
        policyVersion: '1.0.0',
        episodes: 40,
        successes: binomial(40, hour % 24 < 12 ? 0.85 : 0.75, random),
      })),
    }));
    assert.ok(fleetVarianceOf(robots, '1.0.0', 2) >= 0.05 ** 2);
    assert.ok(fleetDayVarianceOf(robots, '1.0.0') < 0.01 ** 2);
  });

  it('is 0 where nothing is known', () => {
    assert.equal(fleetDayVarianceOf([], '1.0.0'), 0);
    assert.equal(fleetDayVarianceOf(history([{ version: '1.0.0', shift: 0 }], 'one'), '1.0.0'), 0);
  });
});
