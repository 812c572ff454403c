import { normalCdf } from './distributions.ts';

/** A closed interval of success fractions, or of their differences. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Counts of two arms; arm 1 is the champion, arm 2 the candidate. */
export interface TwoArms {
  readonly x1: number;
  readonly n1: number;
  readonly x2: number;
  readonly n2: number;
}

/**
 * Wilson's score interval of a success fraction: the roots of the score quadratic, so it stays inside [0, 1] and is
 * not empty at 0 or all successes (Wilson 1927). It takes every trial for independent, which episodes of one robot are
 * not: use it to describe, not to decide. No trials give [0, 1].
 *
 * wilsonInterval({ successes: 85, trials: 100, z: 1.96 }) → { low: 0.7672, high: 0.9069 }
 */
export function wilsonInterval(input: { successes: number; trials: number; z: number }): Interval {
  const { successes, trials, z } = input;
  if (!(trials > 0)) return { low: 0, high: 1 };
  const p = successes / trials;
  const z2 = (z * z) / trials;
  const centre = p + z2 / 2;
  const half = z * Math.sqrt((p * (1 - p)) / trials + z2 / (4 * trials));
  return { low: Math.max(0, (centre - half) / (1 + z2)), high: Math.min(1, (centre + half) / (1 + z2)) };
}

/**
 * The pooled z test of two fractions, with Wald's 95 % interval (z = 1.96); difference = arm 2 - arm 1, so a negative z is harm.
 * Here for comparison with what other systems do: it takes episodes for independent. An empty arm, or no variation at
 * all, gives difference 0 or as seen, z = 0 and p = 1.
 */
export function twoProportionTest(input: TwoArms): {
  readonly difference: number;
  readonly z: number;
  readonly twoSided: number;
  readonly oneSidedHarm: number;
  readonly wald95: Interval;
} {
  const { x1, n1, x2, n2 } = input;
  if (!(n1 > 0 && n2 > 0)) {
    return { difference: 0, z: 0, twoSided: 1, oneSidedHarm: 1, wald95: { low: -1, high: 1 } };
  }
  const [p1, p2] = [x1 / n1, x2 / n2];
  const difference = p2 - p1;
  const pooled = (x1 + x2) / (n1 + n2);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2));
  const half = 1.96 * Math.sqrt((p1 * (1 - p1)) / n1 + (p2 * (1 - p2)) / n2);
  const wald95 = { low: difference - half, high: difference + half };
  if (error === 0) return { difference, z: 0, twoSided: 1, oneSidedHarm: 1, wald95 };
  const z = difference / error;
  return { difference, z, twoSided: 2 * normalCdf(-Math.abs(z)), oneSidedHarm: normalCdf(z), wald95 };
}

/**
 * Newcombe's hybrid score interval of p2 - p1, from the two Wilson intervals (Newcombe 1998, method 10). Independent
 * trials are taken for granted, see {@link wilsonInterval}.
 */
export function newcombeInterval(input: TwoArms & { z: number }): Interval {
  const { x1, n1, x2, n2, z } = input;
  const one = wilsonInterval({ successes: x1, trials: n1, z });
  const two = wilsonInterval({ successes: x2, trials: n2, z });
  const p1 = n1 > 0 ? x1 / n1 : (one.low + one.high) / 2;
  const p2 = n2 > 0 ? x2 / n2 : (two.low + two.high) / 2;
  return {
    low: p2 - p1 - Math.hypot(p2 - two.low, one.high - p1),
    high: p2 - p1 + Math.hypot(two.high - p2, p1 - one.low),
  };
}
