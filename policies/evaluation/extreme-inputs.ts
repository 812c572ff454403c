import type { RobotType } from '../../datasets/robot-type.ts';
import { randomStream } from '../random.ts';

/** Inputs of a policy, flattened row-major. */
export interface PolicyInputs {
  readonly observation: Float32Array;
  readonly task: Int32Array;
}

const extremes = [
  0, -0, 1, -1, 1e-45, -1e-45, 1e-30, 1e6, -1e6, 3e38, -3e38, 3.4028234663852886e38, -3.4028234663852886e38,
];

/**
 * Inputs that a policy must answer with finite numbers: in turn readings within range, at the ends of the range, up to a
 * hundred times outside, and numbers at the limits of float32 (all finite). A pure function of (type, seed, start): rows
 * `start` to `start + count` of an endless list.
 */
export function extremeInputs(type: RobotType, seed: number, start: number, count: number): PolicyInputs {
  const size = type.observations.length;
  const observation = new Float32Array(count * size);
  const task = new Int32Array(count);
  for (let row = 0; row < count; row += 1) {
    const number = start + row;
    const random = randomStream(seed, `input ${number}`);
    task[row] = number % type.tasks.length;
    type.observations.forEach(({ min, max }, column) => {
      observation[row * size + column] = reading(number % 4, min, max, random);
    });
  }
  return { observation, task };
}

function reading(kind: number, min: number, max: number, random: () => number): number {
  const share = random();
  if (kind === 0) return min + share * (max - min);
  if (kind === 1) return share < 0.5 ? min : max;
  if (kind === 2) return min + (200 * share - 100) * (max - min);
  return extremes[Math.floor(share * extremes.length)] ?? 0;
}
