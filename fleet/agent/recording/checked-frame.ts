import type { RobotType } from '../../../datasets/robot-type.ts';

/** A latency that is none is left out; the frame counts all the same. */
export const latencyOf = (latencyMs: number | undefined): number | null =>
  typeof latencyMs === 'number' && latencyMs >= 0 && Number.isFinite(latencyMs) ? latencyMs : null;

export const sizeOfAction = ({ actions }: RobotType): number => {
  if (actions.kind === 'none') return 0;
  return actions.kind === 'discrete' ? 1 : actions.ranges.length;
};

/** So many finite numbers; throws a TypeError that says which are none. */
export function numbersOf(what: string, values: ArrayLike<number>, size: number): number[] {
  if (values.length !== size) throw new TypeError(`expected ${what} of ${size} numbers, got ${values.length}`);
  const numbers = Array.from(values);
  const wrong = numbers.findIndex((value) => !Number.isFinite(Math.fround(value)));
  if (wrong >= 0) throw new TypeError(`expected ${what} of finite numbers, got ${numbers[wrong]} [index=${wrong}]`);
  return numbers;
}
