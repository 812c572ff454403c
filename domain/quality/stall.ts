import { framesOf, type Signals } from './signals.ts';

/** A reading that changes by less than this share of its range stands still. */
export const stallStepFraction = 0.001;

/**
 * Share of the steps of an episode, 0–1, in which nothing moves: no reading changes by more than a thousandth of its range (`widths`: max − min of
 * each). A robot that waits, is blocked, or records a sensor that is dead. Undefined for fewer than two frames. Time: one pass.
 *
 * Readings 0, 0, 1, 1 with a range of 1 → 2 of 3 steps
 */
export function stallFraction(observations: Signals, widths: readonly number[]): number | undefined {
  const frames = framesOf(observations);
  if (frames < 2) return undefined;
  const { values, width } = observations;
  let stalled = 0;
  for (let frame = 1; frame < frames; frame += 1) {
    let isStill = true;
    for (let place = 0; place < width && isStill; place += 1) {
      const step = Math.abs((values[frame * width + place] ?? 0) - (values[(frame - 1) * width + place] ?? 0));
      isStill = step <= stallStepFraction * (widths[place] ?? 0);
    }
    if (isStill) stalled += 1;
  }
  return stalled / (frames - 1);
}
