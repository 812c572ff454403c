import { chiSquareQuantile } from './distributions.ts';

/** An empty bin counts as this fraction, so that one missing value cannot make the index infinite. */
const emptyBinFraction = 1e-4;

/**
 * Population stability index of two histograms given as fractions per bin: Σ(current - reference)·ln(current/reference).
 * 0 for equal histograms; the same bins in the same order on both sides.
 *
 * populationStabilityIndex({ reference: [0.25, 0.25, 0.25, 0.25], current: [0.1, 0.2, 0.3, 0.4] }) → 0.2282
 */
export function populationStabilityIndex(input: { reference: readonly number[]; current: readonly number[] }): number {
  const { reference, current } = input;
  if (reference.length !== current.length) {
    throw new RangeError(`expected as many current bins as reference bins ${reference.length}, got ${current.length}`);
  }
  let index = 0;
  for (const [bin, fraction] of reference.entries()) {
    const expected = Math.max(emptyBinFraction, fraction);
    const seen = Math.max(emptyBinFraction, current[bin] ?? 0);
    index += (seen - expected) * Math.log(seen / expected);
  }
  return index;
}

/**
 * What the index exceeds without any drift with probability 1 - p: designEffect·(1/n + 1/m)·χ²_{bins-1,p}. Samples of one
 * robot resemble each other, so the design effect of the caller (≥ 1) widens it.
 *
 * psiThreshold({ n: 500, m: 500, bins: 10, p: 0.99 }) → 0.0867
 */
export function psiThreshold(input: { n: number; m: number; bins: number; p: number; designEffect?: number }): number {
  const { n, m, bins, p, designEffect = 1 } = input;
  return designEffect * (1 / n + 1 / m) * chiSquareQuantile(p, bins - 1);
}

/**
 * Inner edges that split a sample into `bins` parts of about equal size; ties can make edges equal, and the bins between
 * them empty. Cost: one sort.
 */
export function quantileEdges(sample: readonly number[], bins: number): number[] {
  const sorted = Float64Array.from(sample).toSorted();
  const last = sorted.length - 1;
  return Array.from({ length: bins - 1 }, (_, bin) => {
    const place = ((bin + 1) / bins) * last;
    const low = sorted[Math.floor(place)] ?? 0;
    return low + (place - Math.floor(place)) * ((sorted[Math.ceil(place)] ?? low) - low);
  });
}

/** Fraction of a sample in each bin between the given inner edges; a value on an edge belongs to the bin above. Empty sample: zeros. */
export function binFractions(sample: readonly number[], edges: readonly number[]): number[] {
  const counts = Array.from({ length: edges.length + 1 }, () => 0);
  for (const value of sample) {
    let bin = 0;
    while (bin < edges.length && value >= (edges[bin] ?? Infinity)) bin += 1;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts.map((count) => (sample.length > 0 ? count / sample.length : 0));
}
