import { actionLagFrames, type MeasuredPair } from './action-lag.ts';
import { firstAutocorrelation } from './autocorrelation.ts';
import { logJerk } from './jerk.ts';
import { signatureOf } from './near-duplicates.ts';
import type { Signals } from './signals.ts';
import { stallFraction } from './stall.ts';

/** What is measured of an episode, in the order in which it is shown. */
export const qualityMeasures = [
  'stallFraction',
  'logJerk',
  'autocorrelation',
  'actionLagMs',
  'nearestDistance',
  'championDisagreement',
] as const;
export type QualityMeasure = (typeof qualityMeasures)[number];

/** Differences that are a trifle: half of what is looked at as one; see `distributionOf`. */
export const leastWidths: Readonly<Record<QualityMeasure, number>> = {
  stallFraction: 0.05,
  logJerk: 0.5,
  autocorrelation: 0.05,
  actionLagMs: 20,
  nearestDistance: 0.005,
  championDisagreement: 0.05,
};

/** What a robot type says that measures need. */
export interface MeasuredBody {
  readonly rateHz: number;
  /** max − min of each observation. */
  readonly widths: readonly number[];
  /** Commands with the readings that measure them; empty for discrete actions. */
  readonly pairs: readonly MeasuredPair[];
}

/** Undefined where an episode does not tell a measure. */
export type EpisodeMeasures = { readonly [Name in QualityMeasure]?: number | undefined };

/** Everything that one episode tells by itself, and its signature, by which it is compared with others. */
export function measureEpisode(
  body: MeasuredBody,
  observations: Signals,
  actions: Signals,
): { readonly measures: EpisodeMeasures; readonly signature: Float32Array | undefined } {
  const lag = actionLagFrames(actions, observations, body.pairs);
  return {
    measures: {
      stallFraction: stallFraction(observations, body.widths),
      logJerk: logJerk(observations, body.widths),
      autocorrelation: firstAutocorrelation(observations),
      actionLagMs: lag === undefined ? undefined : (lag * 1000) / body.rateHz,
    },
    signature: signatureOf(observations, body.widths),
  };
}
