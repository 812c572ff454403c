import { pairedDifferenceLowerBound, studentUpperQuantile } from '../../domain/statistics/index.ts';

/**
 * Sums over held-out episodes of two policies' agreement with the labels, D the difference (candidate - other) in agreeing
 * frames of an episode and n its frames. Enough for the bound, whatever the number of episodes.
 */
export interface PairedSums {
  readonly episodes: number;
  readonly frames: number;
  /** Frames right with the candidate only, and with the other only. */
  readonly onlyNewFrames: number;
  readonly onlyOldFrames: number;
  /** Σ D², Σ D·n, Σ n². */
  readonly squaredDifferences: number;
  readonly differencesTimesFrames: number;
  readonly squaredFrames: number;
}

export interface PairedBound {
  /** Agreement of the candidate minus the other's, as fractions of all frames. */
  readonly difference: number;
  /** One-sided; -1 when nothing can be said. */
  readonly lowerBound: number;
  /** How many times the variance is larger than if frames were independent. */
  readonly designEffect: number;
}

/**
 * Lower bound of the difference in frame agreement. Frames of one episode hang together, so the variance comes from whole
 * episodes: the linearised variance of a ratio over clusters with Student's t on episodes - 1 (Cameron, Miller 2015, J. Human
 * Resources 50:317, eq. 11 and section VI.D). With few disagreements that variance is too small to be believed, so Tango's score bound on
 * frames, widened by the measured design effect (Rao, Scott 1992, Biometrics 48:577), is taken too, and the lower of the two counts.
 * Fewer than two episodes give -1.
 */
export function pairedBound(sums: PairedSums, confidence: number): PairedBound {
  const { episodes, frames, onlyNewFrames, onlyOldFrames } = sums;
  if (episodes < 2 || frames === 0) return { difference: Number.NaN, lowerBound: -1, designEffect: Number.NaN };
  const difference = (onlyNewFrames - onlyOldFrames) / frames;
  const residuals = Math.max(
    0,
    sums.squaredDifferences - 2 * difference * sums.differencesTimesFrames + difference ** 2 * sums.squaredFrames,
  );
  const variance = ((episodes / (episodes - 1)) * residuals) / frames ** 2;
  const independent = ((onlyNewFrames + onlyOldFrames) / frames - difference ** 2) / frames;
  const designEffect = independent > 0 ? Math.max(1, variance / independent) : 1;
  const clustered = difference - studentUpperQuantile(1 - confidence, episodes - 1) * Math.sqrt(variance);
  const counts = { onlyNew: onlyNewFrames, onlyOld: onlyOldFrames, total: frames };
  const scored = pairedDifferenceLowerBound({ ...counts, confidence, designEffect });
  return { difference, lowerBound: Math.max(-1, Math.min(clustered, scored)), designEffect };
}
