import type { Random } from './random.ts';

/** Samples of one robot in one window: points of equal dimension, in comparable units. */
export interface RobotPoints {
  readonly robotId: string;
  readonly points: readonly (readonly number[])[];
}

/**
 * Unbiased squared maximum mean discrepancy of two samples under the Gaussian kernel exp(-d²/(2σ²)); may be negative
 * without a difference (Gretton et al. 2012, lemma 6). Without `sigma`, the median distance of the pooled points. Fewer than
 * two points on a side give 0. Cost: quadratic in the points.
 *
 * maximumMeanDiscrepancy({ x: [[0], [1], [2]], y: [[1], [3], [4]], sigma: 1 }) → 0.00872
 */
export function maximumMeanDiscrepancy(input: {
  x: readonly (readonly number[])[];
  y: readonly (readonly number[])[];
  sigma?: number;
}): number {
  const points = [...input.x, ...input.y];
  const squared = squaredDistances(points);
  const sums = unitSums(squared, [input.x.length, input.y.length], input.sigma ?? medianDistance(squared));
  return discrepancy(sums, [input.x.length, input.y.length], [true, false]);
}

/**
 * Is one window different from the other? Permutes robots between the windows, not samples: with other robots in the two
 * windows a per-sample test gives 17 % false alarms at 5 %. At most `maximumPoints` a side are used, drawn evenly over the
 * robots. p = (1 + permutations at least as far) / (1 + permutations), so never 0. Fewer than 2 robots a side give p = 1.
 */
export function meanDiscrepancyTest(input: {
  reference: readonly RobotPoints[];
  current: readonly RobotPoints[];
  permutations: number;
  maximumPoints: number;
  random: Random;
}): { readonly discrepancy: number; readonly p: number; readonly robots: readonly [number, number] } {
  const { permutations, maximumPoints, random } = input;
  const reference = drawn(input.reference, maximumPoints, random);
  const current = drawn(input.current, maximumPoints, random);
  const robots = [reference.length, current.length] as const;
  if (reference.length < 2 || current.length < 2) return { discrepancy: 0, p: 1, robots };
  const units = [...reference, ...current];
  const sizes = units.map(({ points }) => points.length);
  const squared = squaredDistances(units.flatMap(({ points }) => points));
  const sums = unitSums(squared, sizes, medianDistance(squared));
  const labels = units.map((_, unit) => unit < reference.length);
  const seen = discrepancy(sums, sizes, labels);
  let further = 0;
  for (let permutation = 0; permutation < permutations; permutation += 1) {
    shuffle(labels, random);
    if (discrepancy(sums, sizes, labels) >= seen) further += 1;
  }
  return { discrepancy: seen, p: (1 + further) / (1 + permutations), robots };
}

/** At most `maximum` points, as evenly over the robots as their numbers allow. */
function drawn(robots: readonly RobotPoints[], maximum: number, random: Random): readonly RobotPoints[] {
  const filled = robots.filter(({ points }) => points.length > 0);
  const each = Math.max(1, Math.floor(maximum / Math.max(1, filled.length)));
  const kept = filled.map(({ robotId, points }) => {
    if (points.length <= each) return { robotId, points };
    const pool = [...points];
    shuffle(pool, random);
    return { robotId, points: pool.slice(0, each) };
  });
  shuffle(kept, random);
  return kept.slice(0, maximum);
}

function squaredDistances(points: readonly (readonly number[])[]): Float64Array[] {
  return points.map((point, row) =>
    Float64Array.from({ length: row }, (_, column) => {
      const other = points[column] ?? [];
      let sum = 0;
      for (const [index, value] of point.entries()) sum += (value - (other[index] ?? 0)) ** 2;
      return sum;
    }),
  );
}

function medianDistance(squared: readonly Float64Array[]): number {
  const all = Float64Array.from(squared.flatMap((row) => [...row])).toSorted();
  const median = Math.sqrt(all[Math.floor(all.length / 2)] ?? 0);
  return median > 0 ? median : 1;
}

/** Kernel sums between every two units of points; on the diagonal over pairs of different points, both orders. */
function unitSums(squared: readonly Float64Array[], sizes: readonly number[], sigma: number): Float64Array[] {
  const sums = sizes.map(() => new Float64Array(sizes.length));
  const owner = sizes.flatMap((size, unit) => Array.from({ length: size }, () => unit));
  for (const [row, distances] of squared.entries()) {
    const mine = owner[row] ?? 0;
    for (const [column, distance] of distances.entries()) {
      const theirs = owner[column] ?? 0;
      const kernel = Math.exp(-distance / (2 * sigma * sigma));
      const [one, two] = [sums[mine], sums[theirs]];
      if (one) one[theirs] = (one[theirs] ?? 0) + kernel;
      if (two) two[mine] = (two[mine] ?? 0) + kernel;
    }
  }
  return sums;
}

function discrepancy(sums: readonly Float64Array[], sizes: readonly number[], inFirst: readonly boolean[]): number {
  let [within1, within2, between, n1, n2] = [0, 0, 0, 0, 0];
  for (const [unit, row] of sums.entries()) {
    const first = inFirst[unit] ?? false;
    if (first) n1 += sizes[unit] ?? 0;
    else n2 += sizes[unit] ?? 0;
    for (const [other, sum] of row.entries()) {
      if (first !== (inFirst[other] ?? false)) between += sum / 2;
      else if (first) within1 += sum;
      else within2 += sum;
    }
  }
  if (n1 < 2 || n2 < 2) return 0;
  return within1 / (n1 * (n1 - 1)) + within2 / (n2 * (n2 - 1)) - (2 * between) / (n1 * n2);
}

/** Fisher–Yates, in place. */
function shuffle(items: unknown[], random: Random): void {
  for (let index = items.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [items[index], items[other]] = [items[other], items[index]];
  }
}
