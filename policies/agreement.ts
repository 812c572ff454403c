import type { RobotType } from '../datasets/robot-type.ts';

/** A continuous action agrees with its label when no dimension is off by more than this share of its range, unless the type says another. */
const defaultToleranceFraction = 0.05;

/** The tolerance of each continuous action in its unit; undefined for discrete actions, which agree when they are equal. */
export const actionTolerance = (type: RobotType): Float32Array | undefined =>
  type.actions.kind === 'continuous'
    ? Float32Array.from(
        type.actions.ranges,
        ({ min, max }) => (type.limits.actionToleranceFraction ?? defaultToleranceFraction) * (max - min),
      )
    : undefined;

/** Index of the highest value; the first of equals; 0 for an empty list. NaN never wins, and all NaN gives 0. */
export function highestIndex(values: ArrayLike<number>): number {
  let best = -1;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    if (best < 0 || value > (values[best] ?? Number.NaN)) best = index;
  }
  return Math.max(0, best);
}

/** True when every value is within its tolerance of the label; NaN never is. */
export function isWithin(values: ArrayLike<number>, label: ArrayLike<number>, tolerance: Float32Array): boolean {
  for (let index = 0; index < tolerance.length; index += 1)
    if (!(Math.abs((values[index] ?? Number.NaN) - (label[index] ?? Number.NaN)) <= (tolerance[index] ?? 0)))
      return false;
  return true;
}
