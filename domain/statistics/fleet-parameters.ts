import { baselineOf, type Baseline, type RobotHistory } from './history.ts';
import { mean, sampleVariance } from './moments.ts';

/** How the fleet behaves before a trial; computed once at its start and pinned. */
export interface FleetParameters {
  /** Success fraction of the champion. */
  readonly mu: number;
  /** Over-dispersion of episodes within a robot-hour, in [1, 5]. */
  readonly phi: number;
  /** Variance of a robot's success fraction from day to day, ≥ 0.003². */
  readonly dayVariance: number;
  /** Variance of the robots' own levels, ≥ 1e-8. */
  readonly betweenRobotVariance: number;
  /** Days of history. */
  readonly preDays: number;
  /** Dispersion of a robot's episodes a day relative to Poisson, ≥ 1; left out = 1. */
  readonly ratePhi?: number;
}

const leastDayVariance = 0.003 ** 2;
const unknownDayVariance = 0.01 ** 2;
const leastRobotVariance = 1e-8;
/** Fewer than two robots with a past cannot show how robots differ: this correlation is taken instead of the least. */
const unknownRho = 0.02;
const leastHourEpisodes = 10;

/**
 * Estimates {@link FleetParameters} from each robot's history (shared method, section 1; moment estimators of a
 * beta-binomial-like robot effect with day-to-day movement). Empty histories are skipped; no episodes at all give mu 0.5 and
 * the widest defaults, so that nothing is decided on them. Linear in the cells.
 */
export function estimateFleetParameters(history: readonly RobotHistory[]): Required<FleetParameters> {
  const robots = history
    .map((robot) => ({ ...baselineOf(robot), cells: robot.cells, days: robotDays(robot) }))
    .filter(({ episodes }) => episodes > 0);
  const episodes = robots.reduce((sum, robot) => sum + robot.episodes, 0);
  const mu = episodes > 0 ? robots.reduce((sum, robot) => sum + robot.successes, 0) / episodes : 0.5;
  const phi = withinRobotDispersion(robots);
  const dayVariance = dayToDayVariance(robots, phi);
  const baselines = robots.map((robot) => ({ ...robot, days: robot.days.length }));
  return {
    mu,
    phi,
    dayVariance,
    betweenRobotVariance: betweenRobotVariance(baselines, { mu, phi, dayVariance }),
    preDays: new Set(robots.flatMap((robot) => robot.days.map(({ day }) => day))).size,
    ratePhi: Math.max(1, mean(robots.flatMap(({ days }) => rateDispersion(days))) ?? 1),
  };
}

/**
 * Between-robot variance of the success fraction: the variance seen less what episodes and days explain; at least 1e-8.
 * Robots without episodes are skipped; fewer than two give 0.02·mu(1-mu), a cautious guess.
 */
export function betweenRobotVariance(
  baselines: readonly Baseline[],
  parameters: Pick<FleetParameters, 'mu' | 'phi' | 'dayVariance'>,
): number {
  const known = baselines.filter(({ episodes }) => episodes > 0);
  const spread = sampleVariance(known.map(({ successes, episodes }) => successes / episodes));
  const noise = mean(known.map((baseline) => baselineVariance(baseline, parameters)));
  if (spread === undefined || noise === undefined) {
    return Math.max(leastRobotVariance, unknownRho * parameters.mu * (1 - parameters.mu));
  }
  return Math.max(leastRobotVariance, spread - noise);
}

/** v0 = phi·mu(1-mu)/n0 + sd2/D: how far a robot's past fraction is from its level. Needs episodes > 0. */
export function baselineVariance(
  baseline: Baseline,
  { mu, phi, dayVariance }: Pick<FleetParameters, 'mu' | 'phi' | 'dayVariance'>,
): number {
  return (phi * mu * (1 - mu)) / baseline.episodes + dayVariance / Math.max(1, baseline.days);
}

interface RobotDay {
  readonly day: number;
  readonly successes: number;
  readonly episodes: number;
}

interface RobotPast {
  readonly successes: number;
  readonly episodes: number;
  readonly cells: RobotHistory['cells'];
  readonly days: readonly RobotDay[];
}

function robotDays({ cells }: RobotHistory): RobotDay[] {
  const days = new Map<number, { day: number; successes: number; episodes: number }>();
  for (const { day, successes, episodes } of cells) {
    const sum = days.get(day) ?? { day, successes: 0, episodes: 0 };
    sum.successes += successes;
    sum.episodes += episodes;
    days.set(day, sum);
  }
  return [...days.values()];
}

function withinRobotDispersion(robots: readonly RobotPast[]): number {
  let sum = 0;
  let hours = 0;
  for (const { successes, episodes, cells } of robots) {
    const p = successes / episodes;
    const full = cells.filter((cell) => cell.episodes >= leastHourEpisodes);
    if (!(p > 0 && p < 1) || full.length < 2) continue;
    for (const { successes: x, episodes: n } of full) {
      sum += (((x - n * p) ** 2 / (n * p * (1 - p))) * full.length) / (full.length - 1);
    }
    hours += full.length;
  }
  return hours > 0 ? Math.min(5, Math.max(1, sum / hours)) : 1;
}

function dayToDayVariance(robots: readonly RobotPast[], phi: number): number {
  const variances = robots.flatMap(({ successes, episodes, days }) => {
    const active = days.filter((day) => day.episodes > 0);
    const spread = sampleVariance(active.map((day) => day.successes / day.episodes));
    const reciprocal = mean(active.map((day) => 1 / day.episodes));
    if (spread === undefined || reciprocal === undefined) return [];
    const p = successes / episodes;
    return [spread - phi * p * (1 - p) * reciprocal];
  });
  const average = mean(variances);
  return average === undefined ? unknownDayVariance : Math.max(leastDayVariance, average);
}

function rateDispersion(days: readonly RobotDay[]): number[] {
  const counts = days.map(({ episodes }) => episodes);
  const average = mean(counts);
  const spread = sampleVariance(counts);
  return spread === undefined || average === undefined || average === 0 ? [] : [spread / average];
}
