import { counted, percentFigure, pointsFigure, signedFigure } from './figures.ts';

/** A difference of success, candidate minus champion, as fractions; null: not known. */
export interface Effect {
  readonly delta: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** What an interval says: above zero, below it, on both sides of it, or nothing. */
export type EffectReading = 'better' | 'worse' | 'undecided' | 'unknown';

/** Beyond this no difference of two success fractions can lie; an estimate that takes off what is known of each robot can. */
const inRange = (value: number): number => Math.max(-1, Math.min(1, value));

interface Known {
  readonly delta: number;
  readonly low: number;
  readonly high: number;
}

/** undefined: there is no interval that says anything, or what is there contradicts itself. */
function known({ delta, low, high }: Effect): Known | undefined {
  if (delta === null || low === null || high === null) return undefined;
  if (![delta, low, high].every(Number.isFinite)) return undefined;
  const clipped = { delta: inRange(delta), low: inRange(low), high: inRange(high) };
  if (clipped.low > clipped.high || (clipped.low <= -1 && clipped.high >= 1)) return undefined;
  return clipped.delta < clipped.low || clipped.delta > clipped.high ? undefined : clipped;
}

/** Which side of zero an effect is proven to be on. */
export function readEffect(effect: Effect): EffectReading {
  const found = known(effect);
  if (found === undefined) return 'unknown';
  if (found.low > 0) return 'better';
  return found.high < 0 ? 'worse' : 'undecided';
}

/**
 * An effect and its interval in words that cannot contradict the figures: which side of zero it is proven to be on is said by the interval alone, whatever it was
 * judged by. Without an interval only what was seen is said.
 *
 * effectWords({ delta: 0.401, low: 0.32, high: 0.48 }) → 'better by 40.1 points [+32 to +48]'
 * effectWords({ delta: 0.01, low: -0.02, high: 0.04 }) → 'between 2 points worse and 4 points better (seen: 1 point better)'
 */
export function effectWords(effect: Effect): string {
  const found = known(effect);
  if (found === undefined) {
    const { delta } = effect;
    if (delta === null || !Number.isFinite(delta)) return 'the difference is not known';
    return `${seenWords(inRange(delta))} so far, which proves nothing yet`;
  }
  const { delta, low, high } = found;
  const interval = `[${signedFigure(low)} to ${signedFigure(high)}]`;
  if (low > 0) return `better by ${pointsFigure(delta)} ${interval}`;
  if (high < 0) return `worse by ${pointsFigure(delta)} ${interval}`;
  return `between ${pointsFigure(low)} worse and ${pointsFigure(high)} better (seen: ${seenWords(delta)})`;
}

const seenWords = (delta: number): string =>
  delta === 0 ? 'no difference' : `${pointsFigure(delta)} ${delta > 0 ? 'better' : 'worse'}`;

/**
 * The effect of which only a lower bound is told, at the same distance above as below: both ends hold with the confidence of the bound. A bound of -1 and below
 * says nothing.
 */
export const aroundBound = (delta: number | null, lowerBound: number | null): Effect =>
  delta === null || lowerBound === null || !(lowerBound > -1)
    ? { delta, low: null, high: null }
    : { delta, low: lowerBound, high: 2 * delta - lowerBound };

/** What it is judged against where being not much worse is enough; always said after what was measured. */
export const allowedWords = (marginFraction: number): string =>
  `at most ${pointsFigure(marginFraction)} worse ${Math.abs(100 * marginFraction) === 1 ? 'is' : 'are'} allowed`;

/** Plain success of one arm; null: not told. */
export interface ArmFigures {
  readonly success: number | null;
  readonly episodes: number | null;
  readonly robots: number | null;
}

/** What was measured of two versions. */
export interface Measured extends Effect {
  readonly candidate: ArmFigures;
  readonly champion: ArmFigures;
}

/** An effect that is proven to be on one side by something else than its interval: where the interval does not say the same, only what was seen stands there. */
export function provenWords(effect: Effect, side: 'better' | 'worse'): string {
  const { delta } = effect;
  if (readEffect(effect) === side || delta === null || !Number.isFinite(delta)) return effectWords(effect);
  return `seen: ${seenWords(inRange(delta))}`;
}

/**
 * Success of both, the difference, and on how much it rests. `proven`: which side of zero is proven, by whatever it is.
 *
 * → 'success 42 % with 1.1.0 and 73.3 % with 1.0.0, worse by 31.3 points [−38.1 to −24.5], n 120 and 340 episodes of 5 and 20 robots'
 */
export function measuredWords(
  measured: Measured,
  of: { readonly candidate: string; readonly champion: string },
  proven?: 'better' | 'worse',
): string {
  const { candidate, champion } = measured;
  const both =
    candidate.success === null || champion.success === null
      ? 'success '
      : `success ${percentFigure(candidate.success)} with ${of.candidate} and ${percentFigure(champion.success)} with ${of.champion}, `;
  const sample = sampleWords(candidate, champion);
  const effect = proven === undefined ? effectWords(measured) : provenWords(measured, proven);
  return `${both}${effect}${sample === null ? '' : `, ${sample}`}`;
}

/** On how many episodes of how many robots it rests, the candidate's first; null: nobody told. */
function sampleWords(candidate: ArmFigures, champion: ArmFigures): string | null {
  const episodes = pair(candidate.episodes, champion.episodes, 'episode');
  if (episodes === null) return null;
  const robots = pair(candidate.robots, champion.robots, 'robot');
  const whose = champion.episodes === null ? ' with the candidate' : '';
  return `n ${episodes}${robots === null ? '' : ` of ${robots}`}${whose}`;
}

const pair = (candidate: number | null, champion: number | null, one: string): string | null =>
  candidate === null
    ? null
    : champion === null
      ? counted(candidate, one)
      : `${candidate} and ${counted(champion, one)}`;
