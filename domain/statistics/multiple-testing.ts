/** Which hypotheses are rejected, in the caller's order, and the adjusted p-values. */
export interface MultipleTest {
  readonly rejected: readonly boolean[];
  readonly adjusted: readonly number[];
}

/**
 * Holm's step-down method: the chance of any false rejection among all hypotheses stays ≤ alpha, whatever their
 * dependence (Holm 1979). A p that is NaN counts as 1. Cost: one sort. No hypotheses: nothing rejected.
 */
export function holm(p: readonly number[], alpha: number): MultipleTest {
  const order = ascending(p);
  const adjusted = p.map(() => 1);
  let running = 0;
  for (const [rank, { index, value }] of order.entries()) {
    running = Math.max(running, Math.min(1, (p.length - rank) * value));
    adjusted[index] = running;
  }
  return { rejected: adjusted.map((value) => value <= alpha), adjusted };
}

/**
 * Benjamini and Hochberg's step-up method: at most a fraction `q` of the rejections is false on average, for
 * independent or positively dependent tests (Benjamini & Hochberg 1995). A p that is NaN counts as 1.
 */
export function benjaminiHochberg(p: readonly number[], q: number): MultipleTest {
  const order = ascending(p);
  const adjusted = p.map(() => 1);
  let running = 1;
  for (const [rank, { index, value }] of [...order.entries()].toReversed()) {
    running = Math.min(running, (p.length / (rank + 1)) * value);
    adjusted[index] = running;
  }
  return { rejected: adjusted.map((value) => value <= q), adjusted };
}

/**
 * The e-value twin of Benjamini–Hochberg, valid under any dependence: reject the k largest, k the largest number with
 * e_(k) ≥ K/(k·alpha) (Wang & Ramdas 2022, arXiv 2009.02824). An e that is NaN counts as 0.
 */
export function eBenjaminiHochberg(
  e: readonly number[],
  alpha: number,
): { readonly rejected: readonly boolean[]; readonly thresholds: readonly number[] } {
  const thresholds = e.map((_, index) => e.length / ((index + 1) * alpha));
  const order = e
    .map((value, index) => ({ value: Number.isNaN(value) ? 0 : value, index }))
    .toSorted((left, right) => right.value - left.value || left.index - right.index);
  const count = 1 + order.findLastIndex(({ value }, rank) => value >= (thresholds[rank] ?? Infinity));
  const chosen = new Set(order.slice(0, count).map(({ index }) => index));
  return { rejected: e.map((_, index) => chosen.has(index)), thresholds };
}

const ascending = (p: readonly number[]): { index: number; value: number }[] =>
  p
    .map((value, index) => ({ index, value: Number.isNaN(value) ? 1 : value }))
    .toSorted((left, right) => left.value - right.value || left.index - right.index);
