import {
  baselineOf,
  estimateFleetParameters,
  randomFromSeed,
  type Baseline,
  type FleetParameters,
  type HistoryCell,
  type Random,
  type RobotHistory,
} from '../../domain/statistics/index.ts';
import { betaNumber, binomial, normal, poisson } from './sampling.ts';

/** Blocks of a rollout in an hour. */
export const blocksPerHour = 12;

/** A simulated fleet and what happens to it. Fractions 0–1; effects in fractions. */
export interface WorldOptions {
  readonly robots: number;
  readonly rho: number;
  /** Success of the champion. Default 0.85. */
  readonly mean?: number;
  readonly episodesPerDay?: number;
  readonly preDays?: number;
  /** What the candidate changes, the same on every robot. */
  readonly effect: number;
  /** Standard deviation of the effect between robots. */
  readonly effectSd?: number;
  /** Volumes differ between these factors, log-uniformly. */
  readonly volumes?: readonly [number, number];
  /** Standard deviation of a robot's success from hour to hour. */
  readonly hourlySd?: number;
  /** Standard deviation of a robot's success from day to day. */
  readonly dailySd?: number;
  /** Standard deviation of the whole fleet's success from day to day. */
  readonly fleetDailySd?: number;
  /** The whole fleet succeeds so much more often by day and so much less by night, a wave of 24 h. */
  readonly dayNight?: number;
  /** Change of success of everybody from an hour on. */
  readonly shock?: { readonly fromHour: number; readonly change: number };
}

interface SimulatedRobot {
  readonly robotId: string;
  readonly success: number;
  readonly effect: number;
  readonly episodesPerDay: number;
  readonly baseline: Baseline;
}

/** A fleet with its past, and a source of its future. */
export interface World {
  readonly robots: readonly SimulatedRobot[];
  readonly parameters: FleetParameters;
  /** What every robot did before. */
  readonly histories: readonly RobotHistory[];
  /** Outcomes of one robot in one stretch of time from `hour` on. */
  readonly live: (robot: number, hour: number, hours: number, candidate: boolean) => { x: number; n: number };
}

/** Makes a fleet: p_i from a Beta distribution, Poisson episodes, binomial outcomes, a week of history per hour. */
export function makeWorld(options: WorldOptions, seed: string): World {
  const { mean = 0.85, rho, episodesPerDay = 1000, preDays = 7, effect, effectSd = 0, volumes = [1, 1] } = options;
  const { hourlySd = 0, dailySd = 0, shock } = options;
  const random = randomFromSeed(seed);
  const swings = swingsOf(options, random);
  const fleetSwing = fleetSwingOf(options, seed);
  const histories: { robotId: string; cells: HistoryCell[] }[] = [];
  const robots = Array.from({ length: options.robots }, (_, index): SimulatedRobot => {
    const robotId = `robot-${String(index).padStart(3, '0')}`;
    const success = betaNumber(mean, rho, random);
    const volume = volumes[0] * (volumes[1] / volumes[0]) ** random();
    const rate = episodesPerDay * volume;
    const cells = past({ success, rate, preDays, hourlySd, dailySd, fleetSwing }, random);
    histories.push({ robotId, cells });
    const own = effect + (effectSd > 0 ? effectSd * normal(random) : 0);
    return { robotId, success, effect: own, episodesPerDay: rate, baseline: baselineOf({ robotId, cells }) };
  });
  return {
    robots,
    parameters: estimateFleetParameters(histories),
    histories,
    live: (robot, hour, hours, candidate) => {
      const {
        success,
        effect: own,
        episodesPerDay: rate,
      } = robots[robot] ?? { success: 0, effect: 0, episodesPerDay: 0 };
      const n = poisson((rate * hours) / 24, random);
      const shift = shock !== undefined && hour >= shock.fromHour ? shock.change : 0;
      const p = success + (candidate ? own : 0) + shift + swings(robot, hour) + fleetSwing(hour);
      return { n, x: binomial(n, p, random) };
    },
  };
}

function past(
  robot: {
    success: number;
    rate: number;
    preDays: number;
    hourlySd: number;
    dailySd: number;
    fleetSwing: (hour: number) => number;
  },
  random: Random,
): HistoryCell[] {
  const cells: HistoryCell[] = [];
  for (let day = 0; day < robot.preDays; day += 1) {
    const shift = robot.dailySd > 0 ? robot.dailySd * normal(random) : 0;
    for (let hour = 0; hour < 24; hour += 1) {
      const episodes = poisson(robot.rate / 24, random);
      const swing = robot.hourlySd > 0 ? robot.hourlySd * normal(random) : 0;
      const p = robot.success + shift + swing + robot.fleetSwing((day - robot.preDays) * 24 + hour);
      cells.push({ day, hour, episodes, successes: binomial(episodes, p, random) });
    }
  }
  return cells;
}

/** What the whole fleet goes through in an hour, which is negative in the past; from a source of its own, so that no other number moves. */
function fleetSwingOf({ fleetDailySd = 0, dayNight = 0 }: WorldOptions, seed: string): (hour: number) => number {
  if (fleetDailySd === 0 && dayNight === 0) return () => 0;
  const random = randomFromSeed(`${seed}/fleet`);
  const phase = random();
  const days = new Map<number, number>();
  return (hour) => {
    const day = Math.floor(hour / 24);
    const shift = days.get(day) ?? fleetDailySd * normal(random);
    days.set(day, shift);
    return shift + dayNight * Math.sin(2 * Math.PI * (hour / 24 + phase));
  };
}

/** A robot's own ups and downs, constant within an hour and a day. */
function swingsOf(
  { hourlySd = 0, dailySd = 0 }: WorldOptions,
  random: Random,
): (robot: number, hour: number) => number {
  if (hourlySd === 0 && dailySd === 0) return () => 0;
  const known = new Map<string, number>();
  const swing = (key: string, sd: number): number => {
    const value = known.get(key) ?? sd * normal(random);
    known.set(key, value);
    return value;
  };
  return (robot, hour) =>
    swing(`h/${robot}/${Math.floor(hour)}`, hourlySd) + swing(`d/${robot}/${Math.floor(hour / 24)}`, dailySd);
}
