import { boundClaims } from '../experiment/index.ts';
import {
  bernoulliVariance,
  mixedLogEvidence,
  robotBaseline,
  type Baseline,
  type FleetParameters,
  type RobotEvidence,
} from '../statistics/index.ts';

/** What the guard of a promotion goes by; fractions 0–1. */
export const promotionGuardLimits = {
  /** The guard goes on for this long after a promotion, fleet days. */
  days: 14,
  /** Windows looked at, the newest hours: a fall of late must not be thinned by good days before it. */
  windowHours: [2, 24],
  /** Over all windows and the whole time. */
  alpha: 0.005,
  tau: 0.05,
  /** A fleet has bad days: this much below its past is none of the champion's doing. */
  marginFraction: 0.02,
  /** Least variance of the whole fleet from day to day. */
  fleetDayVariance: 0.005 ** 2,
  leastRobots: 3,
  leastEpisodes: 30,
} as const;

/** A robot's past from before the promotion, and what it did with the champion: `[fleet hour, successes, episodes]`. */
export interface PromotedRobot {
  readonly robotId: string;
  readonly baseline: Baseline;
  readonly hours: readonly (readonly [number, number, number])[];
}

export interface PromotionVerdict {
  readonly alarm: boolean;
  readonly delta: number;
  readonly logEvidence: number;
  readonly threshold: number;
  readonly robots: number;
  readonly episodes: number;
  readonly reason: string;
}

/**
 * Does the fleet succeed less since a promotion than it did before? Each robot against its own past from before, no robot weighing
 * more than the median one, the evidence of the rollout's guard with a wider margin: there are no controls any more, so what
 * happens to all robots is the champion's until somebody says otherwise. An alarm must hold without its worst robot too.
 */
export function judgePromotion(input: {
  readonly parameters: FleetParameters;
  readonly robots: readonly PromotedRobot[];
  readonly nowHour: number;
  readonly fleetDayVariance?: number;
}): PromotionVerdict {
  const limits = promotionGuardLimits;
  const looks = limits.days * limits.windowHours.length;
  const threshold = Math.log(looks / limits.alpha);
  const verdicts = limits.windowHours.map((hours): PromotionVerdict => {
    const measured = measure(input, hours);
    const worst = measured.toSorted((a, b) => a.residual / a.variance - b.residual / b.variance)[0];
    const all = evidenceOf(measured, input);
    const rest = evidenceOf(
      measured.filter((robot) => robot !== worst),
      input,
    );
    const episodes = measured.reduce((sum, robot) => sum + robot.episodes, 0);
    const enough = measured.length >= limits.leastRobots && episodes >= limits.leastEpisodes;
    const alarm = enough && Math.min(all.logEvidence, rest.logEvidence) >= threshold;
    const reason = `success ${(100 * all.delta).toFixed(1)} pp against the robots' own past in the last ${hours} h since the promotion: log evidence ${all.logEvidence.toFixed(1)}, ${threshold.toFixed(1)} is an alarm; ${measured.length} robots, ${episodes} episodes`;
    return { alarm, ...all, threshold, robots: measured.length, episodes, reason };
  });
  const [first] = verdicts;
  const alarmed = verdicts.find(({ alarm }) => alarm) ?? first;
  if (alarmed === undefined) throw new RangeError('expected at least one window');
  return alarmed;
}

interface Measured {
  readonly residual: number;
  readonly variance: number;
  readonly episodes: number;
}

function measure(
  { parameters, robots, nowHour }: Pick<Parameters<typeof judgePromotion>[0], 'parameters' | 'robots' | 'nowHour'>,
  hours: number,
): Measured[] {
  const evidence = robots.map(({ robotId, baseline, hours: cells }): RobotEvidence => ({
    robotId,
    arm: 'candidate',
    baseline,
    blocks: cells
      .filter(([hour]) => hour > nowHour - hours && hour <= nowHour)
      .map(([hour, successes, episodes]) => ({ block: hour - (nowHour - hours), successes, episodes })),
  }));
  const measured = boundClaims(evidence, 60).robots.flatMap(({ baseline, blocks }): Measured[] => {
    const episodes = blocks.reduce((sum, block) => sum + block.episodes, 0);
    if (!(episodes > 0)) return [];
    const { base, theta } = robotBaseline(parameters, baseline);
    const within = (parameters.phi * bernoulliVariance(base)) / episodes;
    const persistent = parameters.betweenRobotVariance * (1 - theta) + parameters.dayVariance;
    const successes = blocks.reduce((sum, block) => sum + block.successes, 0);
    return [{ residual: successes / episodes - base, variance: within + persistent, episodes }];
  });
  const variances = measured.map(({ variance }) => variance).toSorted((a, b) => a - b);
  const least = variances[Math.floor((variances.length - 1) / 2)] ?? 0;
  return measured.map((robot) => ({ ...robot, variance: Math.max(least, robot.variance) }));
}

function evidenceOf(
  robots: readonly Measured[],
  { fleetDayVariance = 0 }: { readonly fleetDayVariance?: number },
): { readonly delta: number; readonly logEvidence: number } {
  const weight = robots.reduce((sum, { variance }) => sum + 1 / variance, 0);
  if (!(weight > 0)) return { delta: 0, logEvidence: 0 };
  const delta = robots.reduce((sum, { residual, variance }) => sum + residual / variance, 0) / weight;
  const variance = 1 / weight + Math.max(promotionGuardLimits.fleetDayVariance, fleetDayVariance);
  const { tau, marginFraction: margin } = promotionGuardLimits;
  return { delta, logEvidence: mixedLogEvidence({ delta, variance, tau, margin }) };
}
