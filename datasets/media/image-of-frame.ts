/** An image older than so many periods of its camera says nothing of a frame any more. */
export const maxAgePeriods = 2;

/** Place of an image in its clip, or why a frame sees none. */
export type ImageOfFrame = number | 'beforeFirst' | 'tooOld';

/**
 * The image that a frame sees: the last one at or before its instant, not older than two periods of the camera. All times on one clock, µs;
 * `instants` rising. Logarithmic in the images.
 *
 * imageOfFrame([0, 100, 200], 150, 100) → 1; of 450 'tooOld'; of −1 'beforeFirst'
 */
export function imageOfFrame(instants: ArrayLike<number>, frameUs: number, periodUs: number): ImageOfFrame {
  let [low, high] = [0, instants.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((instants[middle] ?? 0) <= frameUs) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return 'beforeFirst';
  return frameUs - (instants[low - 1] ?? 0) > maxAgePeriods * periodUs ? 'tooOld' : low - 1;
}
