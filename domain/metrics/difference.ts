import { noData, type Metric } from './metric.ts';

/**
 * Candidate minus champion with a 95 % interval out of the intervals of both (Newcombe 1998, method 10; for any two intervals Zou and Donner 2008): each
 * end is as far from the difference as the two ends that make it are together. `n`: the smaller sample. An arm without data, or without an interval: no data.
 */
export function differenceOf(champion: Metric, candidate: Metric): Metric {
  if (champion.kind !== 'value' || candidate.kind !== 'value') return noData('one of the two has no data');
  const { value: before, low: low1, high: high1 } = champion;
  const { value: after, low: low2, high: high2 } = candidate;
  if (low1 === null || high1 === null || low2 === null || high2 === null)
    return noData('one of the two has no interval');
  const value = after - before;
  return {
    kind: 'value',
    value,
    n: Math.min(champion.n, candidate.n),
    low: Math.max(-1, value - Math.hypot(after - low2, high1 - before)),
    high: Math.min(1, value + Math.hypot(high2 - after, before - low1)),
  };
}
