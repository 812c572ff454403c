import assert from 'node:assert/strict';

import {
  advanceIncidents,
  defaultMonitorLimits,
  forgetOld,
  judgeFailures,
  judgeRobotAnomalies,
  rememberOutcome,
  type FleetMemory,
  type IncidentBook,
  type IncidentEvent,
} from '../../../domain/monitoring/index.ts';
import {
  baselineOf,
  estimateFleetParameters,
  randomFromSeed,
  type RobotHistory,
} from '../../../domain/statistics/index.ts';

const limits = defaultMonitorLimits;
const startHour = 12 * 40_000;

/** A fleet whose robots differ (sd 4 points), each with good and bad days (sd 2 points); `hurt` loses 20 points on day 12. */
function incidentsOf(options: {
  robots: number;
  perHour: number;
  days: number;
  seed: string;
  hurt?: string;
}): IncidentEvent[] {
  const random = randomFromSeed(options.seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const robots = Array.from({ length: options.robots }, (_, index) => ({
    robotId: `r${index}`,
    level: Math.min(0.98, 0.85 + 0.04 * normal()),
    today: 0,
  }));
  const successes = (fraction: number): number => {
    let count = 0;
    for (let episode = 0; episode < options.perHour; episode += 1) count += random() < fraction ? 1 : 0;
    return count;
  };
  const history = robots.map((robot): RobotHistory => {
    const cells = Array.from({ length: 28 * 24 }, (_, hour) => {
      if (hour % 24 === 0) robot.today = 0.02 * normal();
      return {
        day: Math.floor(hour / 24),
        hour: hour % 24,
        successes: successes(robot.level + robot.today),
        episodes: options.perHour,
      };
    });
    return { robotId: robot.robotId, cells };
  });
  const baseline = {
    parameters: estimateFleetParameters(history),
    robots: Object.fromEntries(history.map((robot) => [robot.robotId, baselineOf(robot)])),
  };
  const memory: FleetMemory = {};
  const events: IncidentEvent[] = [];
  let book: IncidentBook = {};
  for (let hour = 0; hour < options.days * 24; hour += 1) {
    const nowHour = startHour + hour;
    for (const robot of robots) {
      if (hour % 24 === 0) robot.today = 0.02 * normal();
      const loss = robot.robotId === options.hurt && hour >= 12 * 24 ? 0.2 : 0;
      const good = successes(robot.level + robot.today - loss);
      for (let episode = 0; episode < options.perHour; episode += 1) {
        const failureReason = ['slip', 'collision', 'timeout'][Math.floor(3 * random())] ?? null;
        rememberOutcome(
          memory,
          robot.robotId,
          { hour: nowHour, nowHour },
          { isSuccess: episode < good, failureReason },
        );
      }
    }
    forgetOld(memory, nowHour);
    const watched = Object.entries(memory).map(([robotId, own]) => ({
      robotId,
      contact: 'online' as const,
      unheardMs: 0,
      install: null,
      memory: own,
    }));
    const step = advanceIncidents(book, {
      findings: [
        ...judgeRobotAnomalies(watched, baseline, limits).findings,
        ...judgeFailures(memory, nowHour, limits).findings,
      ],
      isKnown: () => true,
      hysteresis: () => limits,
      nowMs: hour,
    });
    book = step.book;
    events.push(...step.events);
  }
  return events;
}

describe('a simulated fleet under the monitor', function () {
  this.timeout(60_000);

  for (const perHour of [2, 40])
    it(`is left in peace for 14 days of hourly looks while it is healthy, ${24 * perHour} episodes a robot and day`, () => {
      assert.deepEqual(incidentsOf({ robots: 40, perHour, days: 14, seed: 'healthy' }), []);
    });

  it('has the robot named that lost 20 points, and no other, within two days', () => {
    const events = incidentsOf({ robots: 40, perHour: 40, days: 15, seed: 'hurt', hurt: 'r7' });
    const opened = events.filter(({ state }) => state === 'opened');
    assert.deepEqual(
      opened.map(({ cause, subject }) => `${cause} ${subject}`),
      ['anomaly r7'],
    );
    const hours = (opened[0]?.atMs ?? 0) - 12 * 24;
    assert.ok(hours > 0 && hours <= 48, `${hours} hours`);
  });
});
