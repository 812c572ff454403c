import { binomialCdf, normalQuantile } from './distributions.ts';

/** Disagreements of two policies on the same held-out episodes. */
export interface PairedOutcomes {
  /** Right with the new policy only. */
  readonly onlyNew: number;
  /** Right with the champion only. */
  readonly onlyOld: number;
}

/**
 * McNemar's exact test: under equality each disagreement is a fair coin (McNemar 1947). `oneSidedHarm` is small when
 * the new policy loses what the champion could. No disagreement gives 1.
 *
 * mcnemarExact({ onlyNew: 5, onlyOld: 18 }) → { oneSidedHarm: 0.00531, twoSided: 0.01062 }
 */
export function mcnemarExact(input: PairedOutcomes): { readonly oneSidedHarm: number; readonly twoSided: number } {
  const disagreements = input.onlyNew + input.onlyOld;
  if (!(disagreements > 0)) return { oneSidedHarm: 1, twoSided: 1 };
  const smaller = binomialCdf(Math.min(input.onlyNew, input.onlyOld), disagreements, 0.5);
  return { oneSidedHarm: binomialCdf(input.onlyNew, disagreements, 0.5), twoSided: Math.min(1, 2 * smaller) };
}

/**
 * One-sided lower bound of the success of the new policy minus the champion's, from paired outcomes: the difference at
 * which the score test just rejects, found by bisection (Tango 1998, Statistics in Medicine 17:891). Right also with few
 * or no disagreements, where Wald's interval has length zero.
 *
 * `confidence` in (0.5, 1), e.g. 0.99. Counts are episodes, taken as independent; for outcomes that come in clusters
 * (frames of an episode) give the `designEffect` ≥ 1 they are worth. Nothing compared gives -1: a gate fails closed.
 *
 * pairedDifferenceLowerBound({ onlyNew: 5, onlyOld: 18, total: 1000, confidence: 0.99 }) → -0.0263
 */
export function pairedDifferenceLowerBound(
  input: PairedOutcomes & { total: number; confidence: number; designEffect?: number },
): number {
  const { onlyNew, onlyOld, total, confidence, designEffect = 1 } = input;
  if (!(total > 0)) return -1;
  if (!(confidence > 0.5 && confidence < 1)) throw new RangeError(`expected confidence in (0.5, 1), got ${confidence}`);
  if (!(designEffect >= 1)) throw new RangeError(`expected designEffect ≥ 1, got ${designEffect}`);
  if (!(onlyNew >= 0 && onlyOld >= 0 && onlyNew + onlyOld <= total)) {
    throw new RangeError(`expected 0 ≤ onlyNew + onlyOld ≤ total ${total}, got ${onlyNew} + ${onlyOld}`);
  }
  const [b, c, n] = [onlyNew / designEffect, onlyOld / designEffect, total / designEffect];
  const z = normalQuantile(confidence);
  let low = -1;
  let high = (b - c) / n;
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (scoreStatistic(b, c, n, middle) > z) low = middle;
    else high = middle;
  }
  return low;
}

/** Tango's score statistic for H0: difference = delta; the discordant probability is its maximum-likelihood value there. */
function scoreStatistic(b: number, c: number, n: number, delta: number): number {
  const linear = -b - c + (2 * n - b + c) * delta;
  const constant = -c * delta * (1 - delta);
  const discordant = (Math.sqrt(Math.max(0, linear * linear - 8 * n * constant)) - linear) / (4 * n);
  const variance = n * (2 * discordant + delta * (1 - delta));
  const numerator = b - c - n * delta;
  return variance > 0 ? numerator / Math.sqrt(variance) : Math.sign(numerator) * Infinity;
}
