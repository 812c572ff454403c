export interface WeightedSource {
  /** Relative to the others; > 0. */
  readonly weight: number;
  /** Frames it could give. */
  readonly available: number;
}

/**
 * Frames each source gives, so that together they are at most `targetFrames` and stand to each other as their weights: a source
 * that has too little makes the others give less as well, since filling up would change the shares. Whole numbers by largest remainder, ties
 * by order; each is within one frame of its share of their sum. A source without frames leaves nothing to any.
 *
 * sourceQuotas(100, [{ weight: 3, available: 1000 }, { weight: 1, available: 10 }]) → [30, 10]
 */
export function sourceQuotas(targetFrames: number, sources: readonly WeightedSource[]): readonly number[] {
  const weights = sources.reduce((sum, { weight }) => sum + weight, 0);
  const most = Math.min(targetFrames, ...sources.map(({ weight, available }) => (available * weights) / weight));
  const total = Math.floor(most);
  const exact = sources.map(({ weight }) => (total * weight) / weights);
  const quotas = exact.map(Math.floor);
  const byRemainder = exact
    .map((share, index) => ({ index, remainder: share - Math.floor(share) }))
    .toSorted((a, b) => b.remainder - a.remainder || a.index - b.index);
  let left = total - quotas.reduce((sum, quota) => sum + quota, 0);
  for (const { index } of byRemainder) {
    if (left <= 0) break;
    quotas[index] = (quotas[index] ?? 0) + 1;
    left -= 1;
  }
  return quotas;
}
