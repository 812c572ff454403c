import { wilsonInterval } from '../statistics/index.ts';

/** One number of a metric, or why there is none: nothing is ever shown as 0 that was not measured. */
export type Metric =
  | {
      readonly kind: 'value';
      readonly value: number;
      /** What it was measured on: episodes, robots, trials, cycles, as the metric says. */
      readonly n: number;
      /** 95 % interval; null where the number is a count of all there is, or the sample bounds it on one side only. */
      readonly low: number | null;
      readonly high: number | null;
    }
  /** Nothing of what it is measured on happened. */
  | { readonly kind: 'noData'; readonly why: string }
  /** It cannot be told apart this way: robots tell it by other names only. */
  | { readonly kind: 'notDefined'; readonly why: string };

export const noData = (why: string): Metric => ({ kind: 'noData', why });
export const notDefined = (why: string): Metric => ({ kind: 'notDefined', why });
/** A number without a sample behind it. */
export const counted = (value: number, n: number): Metric => ({ kind: 'value', value, n, low: null, high: null });

/** Quantile of the intervals: 95 % of the normal distribution lies within ± this. */
const z = 1.959_963_984_540_054;

/** Sums over robots of what each did: `of` cases, `hits` of them. */
export interface RobotSums {
  readonly robots: number;
  readonly of: number;
  readonly hits: number;
  /** Σ hits², Σ hits·of, Σ of², each over robots. */
  readonly hitsSquared: number;
  readonly hitsTimesOf: number;
  readonly ofSquared: number;
}

/**
 * hits/of with a 95 % interval that knows that episodes of one robot are alike: Wilson's, for as many independent cases as the ratio's
 * variance between robots says (linearisation of a ratio, Cochran 1977, 6.3; never more than there are). One robot, or robots
 * without a difference: all cases count. No cases: no data.
 */
export function fractionOf(sums: RobotSums, why: string): Metric {
  const { robots, of, hits, hitsSquared, hitsTimesOf, ofSquared } = sums;
  if (!(of > 0)) return noData(why);
  const value = hits / of;
  const spread = robots > 1 ? hitsSquared - 2 * value * hitsTimesOf + value * value * ofSquared : 0;
  const variance = (robots / Math.max(1, robots - 1)) * (spread / (of * of));
  const independent = (value * (1 - value)) / of;
  const trials = variance > independent && independent > 0 ? (of * independent) / variance : of;
  return { kind: 'value', value, n: of, ...wilsonInterval({ successes: value * trials, trials, z }) };
}

/** hits/of of cases that have nothing to do with each other, e.g. trials; Wilson's 95 % interval. */
export function plainFraction(hits: number, of: number, why: string): Metric {
  if (!(of > 0)) return noData(why);
  return { kind: 'value', value: hits / of, n: of, ...wilsonInterval({ successes: hits, trials: of, z }) };
}

/** Ranks, from 1, of a quantile of `n` values and of its 95 % interval by order statistics; null: beyond what the sample has. */
export interface QuantileRanks {
  readonly rank: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** quantileRanks(1000, 0.95) → { rank: 950, low: 936, high: 964 } */
export function quantileRanks(n: number, quantile: number): QuantileRanks {
  const half = z * Math.sqrt(n * quantile * (1 - quantile));
  const [low, high] = [Math.floor(n * quantile - half), Math.ceil(n * quantile + half)];
  return { rank: Math.max(1, Math.ceil(n * quantile)), low: low < 1 ? null : low, high: high > n ? null : high };
}
