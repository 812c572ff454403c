import { studentUpperQuantile } from '../../domain/statistics/index.ts';
import { measured, notApplicable, percent, unmeasured, type GateResult } from './gate.ts';
import type { PairedRatioSums } from './paired-ratio.ts';

/** How far one continuous action is from its label on held-out frames, in its unit; `meanFraction` as a share of its range. */
export interface ActionError {
  readonly name: string;
  readonly unit: string;
  readonly mean: number;
  readonly p95: number;
  readonly meanFraction: number;
}

export interface ErrorFacts {
  readonly byAction: readonly ActionError[];
  readonly champion?: PairedRatioSums;
  /** The policy that repeats the measured state; undefined where the type measures no action. */
  readonly copy?: PairedRatioSums;
  /** A linear model of the same training set; undefined where there is none. */
  readonly linear?: PairedRatioSums;
}

/** With this confidence the error is at most so many times the champion's, or a plain baseline's. */
export const errorConfidence = 0.99;
export const championErrorFactor = 1.1;
export const baselineErrorFactor = 1.05;
const leastEpisodes = 20;

/**
 * The mean error (share of the range, over all actions and frames) is not larger than another policy's, times a factor. Paired by
 * episode: the variance of the difference comes from whole episodes, Student's t on episodes - 1 (as in paired-ratio.ts). The
 * value is the upper bound of the ratio of the two errors.
 */
export function errorNotWorse(id: string, name: string, factor: number, sums: PairedRatioSums): GateResult {
  const { candidate, other, upperRatio } = errorBound(sums, factor);
  return measured({
    id,
    value: upperRatio,
    limit: factor,
    unit: 'times',
    sampleSize: sums.episodes,
    passes: upperRatio <= factor && sums.episodes >= leastEpisodes,
    sentence: `mean error ${percent(candidate)} of the range, ${name} ${percent(other)}, over ${sums.episodes} episodes; with 99 % confidence at most ${upperRatio.toFixed(2)} times as large, at most ${factor} is needed over at least ${leastEpisodes} episodes`,
  });
}

export const errorUnmeasured = (id: string, factor: number, why: string): GateResult =>
  unmeasured(id, 'times', factor, why);
export const errorNotApplicable = (id: string, factor: number, missing: string): GateResult =>
  notApplicable(id, 'times', factor, missing);

/** Mean errors of both and the upper bound of their ratio; two policies without any error are alike. */
export function errorBound(
  { episodes, sums, products }: PairedRatioSums,
  factor: number,
): { readonly candidate: number; readonly other: number; readonly upperRatio: number } {
  const [candidateSum = 0, frames = 0, otherSum = 0] = sums;
  const [candidate, other] = [candidateSum / frames, otherSum / frames];
  if (candidate === 0) return { candidate, other, upperRatio: 0 };
  if (episodes < 2 || other === 0) return { candidate, other, upperRatio: Infinity };
  const difference = candidate - factor * other;
  const slope = [1 / frames, -difference / frames, -factor / frames, 0];
  const squared = slope.reduce(
    (total, a, row) => total + slope.reduce((part, b, column) => part + a * b * (products[4 * row + column] ?? 0), 0),
    0,
  );
  const error = Math.sqrt(Math.max(0, (episodes / (episodes - 1)) * squared));
  const upper = difference + studentUpperQuantile(1 - errorConfidence, episodes - 1) * error;
  return { candidate, other, upperRatio: factor + upper / other };
}
