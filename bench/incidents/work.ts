import {
  defaultMonitorLimits,
  forgetOld,
  judgeFailures,
  judgeRobotAnomalies,
  rememberOutcome,
  type Finding,
  type FleetBaseline,
  type FleetMemory,
} from '../../domain/monitoring/index.ts';
import { dictionary } from '../../domain/dictionary.ts';
import {
  baselineOf,
  estimateFleetParameters,
  randomFromSeed,
  type RobotHistory,
} from '../../domain/statistics/index.ts';
import type { RobotTroubles } from './troubles.ts';

const episodesAnHour = 6;
const pastDays = 28;
/** Hours since 1970; the week begins on a half day. */
const startHour = 12 * 40_000;
const reasons = ['slip', 'collision', 'timeout'] as const;

/** How well a robot does, the same in its past and in the week. */
const levelOf = (robotId: string): number => 0.9 + 0.06 * (randomFromSeed(`level ${robotId}`)() - 0.5);

/** Four weeks of the fleet before the week. */
export function pastOf(seed: number, robots: readonly RobotTroubles[]): FleetBaseline {
  const random = randomFromSeed(`past ${seed}`);
  const history = robots.map(({ robotId }): RobotHistory => {
    const level = levelOf(robotId);
    const cells = Array.from({ length: pastDays * 24 }, (_, hour) => ({
      day: Math.floor(hour / 24),
      hour: hour % 24,
      successes: successesOf(random, level),
      episodes: episodesAnHour,
    }));
    return { robotId, cells };
  });
  return {
    parameters: estimateFleetParameters(history),
    robots: dictionary(history.map((robot) => [robot.robotId, baselineOf(robot)] as const)),
  };
}

const successesOf = (random: () => number, level: number): number =>
  Array.from({ length: episodesAnHour }, () => random() < level).filter(Boolean).length;

/** What robots do hour by hour, and what the monitor finds in it. */
export class ShiftedWork {
  readonly #random: () => number;
  readonly #robots: readonly RobotTroubles[];
  readonly #memory: FleetMemory = dictionary();
  findings: readonly Finding[] = [];

  constructor(seed: number, robots: readonly RobotTroubles[]) {
    this.#random = randomFromSeed(`work ${seed}`);
    this.#robots = robots;
    // The week before, so that it is known how robots fail.
    for (let hour = -168; hour < 0; hour += 1) this.#work(hour, () => 0);
  }

  /** Robots worked for an hour; `findings` are those of the looks until the next one. */
  passHour(hour: number, baseline: FleetBaseline): void {
    this.#work(hour, ({ hurtFrom }) => (hurtFrom !== undefined && hour * 60 >= hurtFrom ? 0.2 : 0));
    const nowHour = startHour + hour;
    forgetOld(this.#memory, nowHour);
    const watched = this.#robots.map(({ robotId }) => ({
      robotId,
      contact: 'online' as const,
      unheardMs: 0,
      install: null,
      memory: this.#memory[robotId],
    }));
    this.findings = [
      ...judgeRobotAnomalies(watched, baseline, defaultMonitorLimits).findings,
      ...judgeFailures(this.#memory, nowHour, defaultMonitorLimits).findings,
    ];
  }

  #work(hour: number, lossOf: (robot: RobotTroubles) => number): void {
    const at = { hour: startHour + hour, nowHour: startHour + hour };
    for (const robot of this.#robots) {
      const good = successesOf(this.#random, levelOf(robot.robotId) - lossOf(robot));
      for (let episode = 0; episode < episodesAnHour; episode += 1) {
        const failureReason = reasons[Math.floor(reasons.length * this.#random())] ?? null;
        rememberOutcome(this.#memory, robot.robotId, at, { isSuccess: episode < good, failureReason });
      }
    }
  }
}
