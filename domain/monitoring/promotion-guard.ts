import { boundClaims } from '../experiment/index.ts';
import { allowedWords } from '../words/effect-words.ts';
import { counted, scoreFigure, signedFigure } from '../words/figures.ts';
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
  /** A window in which the median robot's first episode is so old covers day and night. */
  dayHours: 22,
  /** Over all windows and the whole time. */
  alpha: 0.005,
  tau: 0.05,
  /** A fleet has bad days: this much below its past is none of the champion's doing. */
  marginFraction: 0.02,
  /** Least variance of the whole fleet from day to day, and from one stretch of hours to the next. */
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
  /** Of the whole fleet from day to day, and in stretches as long as the shorter window; default: the least. */
  readonly fleetDayVariance?: number | undefined;
  readonly fleetHoursVariance?: number | undefined;
}): PromotionVerdict {
  const limits = promotionGuardLimits;
  const looks = limits.days * limits.windowHours.length;
  const threshold = Math.log(looks / limits.alpha);
  const { fleetDayVariance = 0, fleetHoursVariance = 0 } = input;
  const verdicts = limits.windowHours.map((hours): PromotionVerdict => {
    const measured = measure(input, hours);
    // Less than a day has its day's luck, and its place in the day; soon after a promotion so has the long window.
    const isDay = hoursCovered(measured, input.nowHour) >= limits.dayHours;
    const fleetVariance = Math.max(limits.fleetDayVariance, fleetDayVariance, isDay ? 0 : fleetHoursVariance);
    const all = evidenceOf(measured, fleetVariance);
    const episodes = measured.reduce((sum, robot) => sum + robot.episodes, 0);
    const enough = measured.length >= limits.leastRobots && episodes >= limits.leastEpisodes;
    const alarm =
      enough &&
      all.logEvidence >= threshold &&
      evidenceOf(withoutWorst(measured), fleetVariance).logEvidence >= threshold;
    const reason = `success ${signedFigure(all.delta)} points against the robots' own past in the last ${hours} h since the promotion; ${allowedWords(limits.marginFraction)}, n ${counted(episodes, 'episode')} of ${counted(measured.length, 'robot')} (log evidence ${scoreFigure(all.logEvidence)}, limit ${scoreFigure(threshold)})`;
    return { alarm, ...all, threshold, robots: measured.length, episodes, reason };
  });
  const [first] = verdicts;
  const alarmed = verdicts.find(({ alarm }) => alarm) ?? first;
  if (alarmed === undefined) throw new RangeError('expected at least one window');
  return alarmed;
}

/** Hours from the median robot's first in the window on. */
function hoursCovered(measured: readonly Measured[], nowHour: number): number {
  const firsts = measured.map(({ firstHour }) => firstHour).toSorted((a, b) => a - b);
  return nowHour + 1 - (firsts[Math.floor(firsts.length / 2)] ?? nowHour);
}

function withoutWorst(measured: readonly Measured[]): readonly Measured[] {
  const worst = measured.toSorted((a, b) => a.residual / a.variance - b.residual / b.variance)[0];
  return measured.filter((robot) => robot !== worst);
}

interface Measured {
  readonly residual: number;
  readonly variance: number;
  readonly episodes: number;
  readonly firstHour: number;
}

function measure(
  { parameters, robots, nowHour }: Pick<Parameters<typeof judgePromotion>[0], 'parameters' | 'robots' | 'nowHour'>,
  hours: number,
): Measured[] {
  const evidence = robots.map((robot) => evidenceSince(robot, nowHour - hours, nowHour));
  const measured = boundClaims(evidence, 60).robots.flatMap(({ baseline, blocks }): Measured[] => {
    const episodes = blocks.reduce((sum, block) => sum + block.episodes, 0);
    if (!(episodes > 0)) return [];
    const { base, theta } = robotBaseline(parameters, baseline);
    const within = (parameters.phi * bernoulliVariance(base)) / episodes;
    const persistent = parameters.betweenRobotVariance * (1 - theta) + parameters.dayVariance;
    const successes = blocks.reduce((sum, block) => sum + block.successes, 0);
    const firstHour = nowHour - hours + (blocks[0]?.block ?? 0);
    return [{ residual: successes / episodes - base, variance: within + persistent, episodes, firstHour }];
  });
  const variances = measured.map(({ variance }) => variance).toSorted((a, b) => a - b);
  const least = variances[Math.floor((variances.length - 1) / 2)] ?? 0;
  return measured.map((robot) => ({ ...robot, variance: Math.max(least, robot.variance) }));
}

/** What a robot did from after `from` to `to`, summed up: bounding its claims asks for no more than its first and last hour. */
function evidenceSince({ robotId, baseline, hours }: PromotedRobot, from: number, to: number): RobotEvidence {
  let [first, last, successes, episodes] = [to, from, 0, 0];
  for (const cell of hours) {
    const hour = cell[0];
    if (hour <= from || hour > to) continue;
    first = Math.min(first, hour);
    last = Math.max(last, hour);
    successes += cell[1];
    episodes += cell[2];
  }
  const blocks =
    last === from
      ? []
      : [
          { block: first - from, successes, episodes },
          { block: last - from, successes: 0, episodes: 0 },
        ];
  return { robotId, arm: 'candidate', baseline, blocks };
}

function evidenceOf(
  robots: readonly Measured[],
  fleetVariance: number,
): { readonly delta: number; readonly logEvidence: number } {
  const weight = robots.reduce((sum, { variance }) => sum + 1 / variance, 0);
  if (!(weight > 0)) return { delta: 0, logEvidence: 0 };
  const delta = robots.reduce((sum, { residual, variance }) => sum + residual / variance, 0) / weight;
  const variance = 1 / weight + fleetVariance;
  const { tau, marginFraction: margin } = promotionGuardLimits;
  return { delta, logEvidence: mixedLogEvidence({ delta, variance, tau, margin }) };
}
