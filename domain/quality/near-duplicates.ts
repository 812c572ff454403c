import { framesOf, type Signals } from './signals.ts';

/** Moments and readings of an episode that are compared. */
const [moments, mostReadings] = [16, 32] as const;
/** Episodes whose readings differ by less, on average over moments, in shares of their ranges, are near-duplicates. */
export const duplicateDistance = 0.005;

/** An episode at a glance: some of its readings at moments spread evenly over it, in shares of their ranges. Undefined for one without frames. */
export function signatureOf(observations: Signals, widths: readonly number[]): Float32Array | undefined {
  const frames = framesOf(observations);
  if (frames === 0) return undefined;
  const { values, width } = observations;
  const readings = Math.min(width, mostReadings);
  const signature = new Float32Array(moments * readings);
  for (let moment = 0; moment < moments; moment += 1)
    for (let reading = 0; reading < readings; reading += 1) {
      const frame = Math.round((moment * (frames - 1)) / (moments - 1));
      const place = Math.floor((reading * width) / readings);
      signature[moment * readings + reading] = (values[frame * width + place] ?? 0) / (widths[place] || 1);
    }
  return signature;
}

/**
 * The distance of every signature to the nearest other one: the mean of the absolute differences. Infinite for a single one. Exact: the means of two
 * signatures differ at most by their distance, so that only neighbours by their mean are compared. Time: n log n where episodes differ, n² where all have
 * the same mean. The order of the signatures does not matter.
 */
export function nearestDistances(signatures: readonly Float32Array[]): readonly number[] {
  const means = signatures.map((signature) => signature.reduce((sum, value) => sum + value, 0) / signature.length);
  const order = signatures.map((_, index) => index).toSorted((a, b) => (means[a] ?? 0) - (means[b] ?? 0));
  const nearest = signatures.map(() => Number.POSITIVE_INFINITY);
  for (const [place, index] of order.entries())
    for (const way of [1, -1])
      for (let next = place + way; next >= 0 && next < order.length; next += way) {
        const other = order[next] ?? index;
        const least = Math.abs((means[other] ?? 0) - (means[index] ?? 0));
        if (least > (nearest[index] ?? 0) + slack) break;
        const distance = distanceOf(signatures[index], signatures[other], nearest[index] ?? 0);
        if (distance < (nearest[index] ?? 0)) nearest[index] = distance;
      }
  return nearest;
}

/** Of rounding in the means. */
const slack = 1e-5;

/** At least `most` where it is not less. */
function distanceOf(a: Float32Array | undefined, b: Float32Array | undefined, most: number): number {
  if (a === undefined || b === undefined) return Number.POSITIVE_INFINITY;
  const enough = most * a.length;
  let sum = 0;
  for (let place = 0; place < a.length; place += 1) {
    sum += Math.abs((a[place] ?? 0) - (b[place] ?? 0));
    if (sum > enough) return Number.POSITIVE_INFINITY;
  }
  return sum / a.length;
}
