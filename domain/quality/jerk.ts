import { framesOf, medianOf, signalOf, type Signals } from './signals.ts';

/** A reading that moves over less than this share of its range says nothing of how smoothly it moves. */
export const leastMoveFraction = 0.01;

/**
 * How jerky an episode moves: the logarithm of the dimensionless squared jerk ∫ jerk² dt · T⁵ / A² of each reading that moves, and of these the
 * middle one (Hogan & Sternad, "Sensitivity of smoothness measures to movement duration, amplitude, and arrests", J. Motor Behavior 41(6), 2009, eq. 5).
 * T is its duration, A the way from its least to its greatest value; by third differences the frame rate cancels out. The smoothest way from rest to rest
 * (minimum jerk) has ln 720 = 6.58; steps, tremor and lost frames have more. At least 0. Undefined for fewer than four frames, or where nothing moves over a
 * hundredth of its range (`widths`). Time: one pass a reading.
 */
export function logJerk(observations: Signals, widths: readonly number[]): number | undefined {
  const frames = framesOf(observations);
  if (frames < 4) return undefined;
  const jerks: number[] = [];
  for (let place = 0; place < observations.width; place += 1) {
    const signal = signalOf(observations, place);
    let [least, most, squares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
    for (const [frame, value] of signal.entries()) {
      [least, most] = [Math.min(least, value), Math.max(most, value)];
      if (frame < 3) continue;
      const third = value - 3 * (signal[frame - 1] ?? 0) + 3 * (signal[frame - 2] ?? 0) - (signal[frame - 3] ?? 0);
      squares += third * third;
    }
    const way = most - least;
    if (way <= leastMoveFraction * (widths[place] ?? 0) || way === 0) continue;
    jerks.push(Math.log(Math.max(1, (squares * (frames - 1) ** 5) / (way * way))));
  }
  return medianOf(jerks);
}
