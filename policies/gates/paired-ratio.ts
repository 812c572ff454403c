import { studentLowerTail } from './student-tail.ts';

/**
 * Two policies' hits among tries, summed over held-out episodes: for recall, frames found among frames recorded; for precision,
 * frames right among frames chosen. Enough for the test, whatever the number of episodes.
 */
export interface PairedRatioSums {
  /** Episodes with at least one try of either policy. */
  readonly episodes: number;
  /** Episodes in which the two do not have the same hits and tries. */
  readonly differing: number;
  /** Sums of candidate hits, candidate tries, other hits, other tries. */
  readonly sums: readonly number[];
  /** Sums over episodes of the products of each two of them, row-major 4 × 4. */
  readonly products: readonly number[];
}

export interface PairedRatio {
  /** Hits among tries, 0–1; null without a try. */
  readonly candidate: number | null;
  readonly other: number | null;
  /** One-sided p-value of "the candidate's ratio is below the other's by the margin at most"; 1 when either has no ratio. */
  readonly harm: number;
}

/** Collects the sums, episode by episode. */
export function pairedRatioCounter(): {
  endEpisode(candidateHits: number, candidateTries: number, otherHits: number, otherTries: number): void;
  finish(): PairedRatioSums;
} {
  const sums = [0, 0, 0, 0];
  const products = Array.from({ length: 16 }, () => 0);
  let [episodes, differing] = [0, 0];
  return {
    endEpisode(...values) {
      const [candidateHits, candidateTries, otherHits, otherTries] = values;
      if (candidateTries === 0 && otherTries === 0) return;
      episodes += 1;
      if (candidateHits !== otherHits || candidateTries !== otherTries) differing += 1;
      values.forEach((value, row) => {
        sums[row] = (sums[row] ?? 0) + value;
        values.forEach((factor, column) => {
          products[4 * row + column] = (products[4 * row + column] ?? 0) + value * factor;
        });
      });
    },
    finish: () => ({ episodes, differing, sums: [...sums], products: [...products] }),
  };
}

/**
 * Tests whether the candidate's ratio is below the other's by more than `margin` (≥ 0). Frames of an episode hang together, so the variance comes from whole
 * episodes: the linearised variance of a difference of two ratios over clusters, Student's t on episodes - 1 (Cameron, Miller
 * 2015, J. Human Resources 50:317, section VI.D). Few episodes make that variance too small to be believed; no p-value goes below
 * 2^-(differing episodes), the least that exchanging the two policies' names within each episode can give (Fisher's sign flips).
 */
export function pairedRatio(
  { episodes, differing, sums, products }: PairedRatioSums,
  { margin }: { readonly margin: number },
): PairedRatio {
  const [candidateHits = 0, candidateTries = 0, otherHits = 0, otherTries = 0] = sums;
  const candidate = candidateTries > 0 ? candidateHits / candidateTries : null;
  const other = otherTries > 0 ? otherHits / otherTries : null;
  if (candidate === null || other === null) return { candidate, other, harm: 1 };
  const difference = candidate - other + margin;
  if (difference >= 0) return { candidate, other, harm: 1 };
  const least = 2 ** -differing;
  if (episodes < 2) return { candidate, other, harm: least };
  const slope = [1 / candidateTries, -candidate / candidateTries, -1 / otherTries, other / otherTries];
  const squared = slope.reduce(
    (total, a, row) => total + slope.reduce((part, b, column) => part + a * b * (products[4 * row + column] ?? 0), 0),
    0,
  );
  const error = Math.sqrt(Math.max(0, (episodes / (episodes - 1)) * squared));
  const tail = error > 0 ? studentLowerTail(difference / error, episodes - 1) : 0;
  return { candidate, other, harm: Math.max(tail, least) };
}
