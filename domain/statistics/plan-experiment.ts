import { normalQuantile } from './distributions.ts';

/** What is known before a test. Fractions 0–1; days may be fractional. */
export interface ExperimentInput {
  readonly successFraction: number;
  /** Intra-robot correlation: between-robot variance over p(1-p). */
  readonly rho: number;
  readonly episodesPerRobotDay: number;
  readonly treatedRobots: number;
  readonly controlRobots: number;
  /** Days of history per robot; 0 = none. */
  readonly preDays: number;
  /** Over-dispersion of episodes within a robot, ≥ 1. Default 1. */
  readonly phi?: number;
  /** Variance of a robot's success from day to day. Default 0.003². */
  readonly dayVariance?: number;
  /** One-sided. Default 0.005. */
  readonly alpha?: number;
  /** Default 0.9. */
  readonly power?: number;
  /** How often a day the test is looked at: 4 = every 6 h, 0 = once at the end. Default 4. */
  readonly looksPerDay?: number;
  /** Difference to detect; without it no days are computed. */
  readonly effect?: number;
  /** Length at which the errors are stated. Default: the planned days, else the longest allowed. */
  readonly days?: number;
  /** Default 7. */
  readonly maximumDays?: number;
  /** Default a quarter of a day. */
  readonly minimumDays?: number;
}

/** Why no length is long enough. */
export interface Infeasible {
  readonly infeasible: string;
}

/** A plan: errors at `atDays`, and either the days needed or why there are none. */
export interface ExperimentPlan {
  /** Share of the between-robot variance that each robot's history removes. */
  readonly theta: number;
  readonly atDays: number;
  readonly standardError: number;
  /** The same without using history, by the design effect. */
  readonly standardErrorWithoutHistory: number;
  /** What counting episodes as independent would claim. */
  readonly standardErrorNaive: number;
  readonly minimumDetectableEffect: number;
  readonly looks: number;
  /** 1/V at `atDays`: the information at which the test is complete. */
  readonly informationMax: number;
  readonly days: number | Infeasible | null;
}

/** Length is chosen on this grid: looks are 6 h apart. */
const gridDays = 0.25;

/**
 * Plans an A/B test of robots: how long until an effect is seen with the given power (statistics of the robot level, with
 * the inflation of group-sequential looks). Without history the error never falls below √(rho·p·q·(1/G_T+1/G_C)), and an
 * effect below that is `infeasible`: the answer is a sentence, not a date.
 *
 * planExperiment({ successFraction: 0.85, rho: 0.005, episodesPerRobotDay: 1000, treatedRobots: 20, controlRobots: 80,
 *   preDays: 7, effect: 0.01 }).days → 1.75
 */
export function planExperiment(input: ExperimentInput): ExperimentPlan {
  refuseNonsense(input);
  const {
    preDays,
    effect,
    minimumDays = gridDays,
    maximumDays = 7,
    alpha = 0.005,
    power = 0.9,
    looksPerDay = 4,
  } = input;
  const theta = historyShare(input);
  const multiple = normalQuantile(1 - alpha) + normalQuantile(power);
  const detectable = (days: number): number =>
    multiple * Math.sqrt(lookInflation(looksPerDay * days)) * standardErrorAt(input, days);
  const needed = effect === undefined ? null : daysNeeded(detectable, Math.abs(effect), minimumDays, maximumDays);
  const days = needed ?? (effect === undefined ? null : { infeasible: reason(input, detectable(maximumDays)) });
  const atDays = input.days ?? needed ?? maximumDays;
  const standardError = standardErrorAt(input, atDays);
  return {
    theta: preDays > 0 ? theta : 0,
    atDays,
    standardError,
    standardErrorWithoutHistory: withoutHistory(input, atDays),
    standardErrorNaive: withoutHistory({ ...input, rho: 0 }, atDays),
    minimumDetectableEffect: detectable(atDays),
    looks: looksPerDay === 0 ? 1 : Math.max(1, Math.ceil(looksPerDay * atDays)),
    informationMax: 1 / (standardError * standardError),
    days,
  };
}

/** Standard error of the difference after `days`, with history if there is any. */
export function standardErrorAt(input: ExperimentInput, days: number): number {
  if (!(input.preDays > 0)) return withoutHistory(input, days);
  const { successFraction: p, rho, episodesPerRobotDay: m, phi = 1, dayVariance = 0.003 ** 2 } = input;
  const within = (phi * p * (1 - p)) / (m * days);
  const persistent = rho * p * (1 - p) * (1 - historyShare(input)) + dayVariance / Math.max(1, days);
  return Math.sqrt((within + persistent) * perArm(input));
}

/** R: how much longer a test is for being looked at (O'Brien–Fleming spending; Jennison & Turnbull 2000, table 2.2 by analogy). */
const lookInflation = (looks: number): number => {
  if (looks <= 1) return 1;
  return looks <= 7 ? 1.02 : 1.03;
};

function historyShare(input: ExperimentInput): number {
  const { successFraction: p, rho, episodesPerRobotDay: m, preDays, phi = 1, dayVariance = 0.003 ** 2 } = input;
  if (!(preDays > 0)) return 0;
  const between = rho * p * (1 - p);
  const noise = (phi * p * (1 - p)) / (m * preDays) + dayVariance / preDays;
  return between / (between + noise);
}

function withoutHistory(input: ExperimentInput, days: number): number {
  const { successFraction: p, rho, episodesPerRobotDay, phi = 1 } = input;
  const m = episodesPerRobotDay * days;
  return Math.sqrt(((phi * p * (1 - p) * (1 + (m - 1) * rho)) / m) * perArm(input));
}

const perArm = (input: ExperimentInput): number => 1 / input.treatedRobots + 1 / input.controlRobots;

function daysNeeded(
  detectable: (days: number) => number,
  effect: number,
  minimumDays: number,
  maximumDays: number,
): number | null {
  for (let days = minimumDays; days <= maximumDays; days += gridDays) {
    if (detectable(days) <= effect) return days;
  }
  return null;
}

function reason(input: ExperimentInput, detectable: number): string {
  const { maximumDays = 7, treatedRobots, controlRobots, effect = 0 } = input;
  const arms = `${treatedRobots} + ${controlRobots} robots`;
  const seen = `${arms} see ${points(detectable)} after ${maximumDays} days, not ${points(Math.abs(effect))}`;
  if (input.preDays > 0) return `${seen}; more robots in the smaller arm or a larger effect are needed`;
  const { successFraction: p, rho } = input;
  const floor = Math.sqrt(rho * p * (1 - p) * perArm(input));
  return `${seen}; without history the standard error never falls below ${points(floor)}: more robots or a week of history are needed`;
}

const points = (fraction: number): string => `${(100 * fraction).toFixed(2)} pp`;

function refuseNonsense(input: ExperimentInput): void {
  const { successFraction, rho, episodesPerRobotDay, treatedRobots, controlRobots, alpha = 0.005, power = 0.9 } = input;
  const rules: readonly (readonly [boolean, string, number])[] = [
    [successFraction > 0 && successFraction < 1, 'successFraction in (0, 1)', successFraction],
    [rho >= 0 && rho < 1, 'rho in [0, 1)', rho],
    [episodesPerRobotDay > 0, 'episodesPerRobotDay > 0', episodesPerRobotDay],
    [treatedRobots >= 1, 'treatedRobots ≥ 1', treatedRobots],
    [controlRobots >= 1, 'controlRobots ≥ 1', controlRobots],
    [alpha > 0 && alpha < 0.5, 'alpha in (0, 0.5)', alpha],
    [power > 0.5 && power < 1, 'power in (0.5, 1)', power],
    [input.effect !== 0, 'effect other than 0', input.effect ?? 0],
    [(input.days ?? 1) > 0, 'days > 0', input.days ?? 0],
  ];
  for (const [holds, expected, got] of rules) {
    if (!holds) throw new RangeError(`expected ${expected}, got ${got}`);
  }
}
