import { randomStream } from '../../../policies/random.ts';
import type { RowBlock } from '../../../policies/rows.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { seeingType } from '../../policies/images/tiny-images.ts';
import type { SetCamera } from './arrow-sets.ts';

/** Two cameras of few pixels. */
export const setCameras: readonly SetCamera[] = [
  { name: 'front', width: 16, height: 12 },
  { name: 'rear', width: 8, height: 8 },
];

export const camerasType = (): RobotType =>
  seeingType(setCameras.map(({ name, width, height }) => ({ camera: name, width, height })));

/**
 * Rows of `camerasType` whose label only the front camera tells: a bright square on the left, in the middle or on the right of a dark
 * picture. Readings and the rear camera say nothing. A pure function of rows and seed.
 */
export function imageRows(rows: number, seed: number): RowBlock {
  const random = randomStream(seed, 'image rows');
  const label = Int32Array.from({ length: rows }, () => Math.floor(3 * random()));
  const [front, rear] = setCameras.map(({ width, height }) => new Uint8Array(rows * width * height * 3));
  for (let row = 0; row < rows; row += 1) {
    const dark = 60 * random();
    const [left, top] = [1 + 5 * label[row]!, Math.floor(7 * random())];
    for (let y = 0; y < 12; y += 1)
      for (let x = 0; x < 16; x += 1) {
        const isSquare = x >= left && x < left + 4 && y >= top && y < top + 5;
        const at = 3 * (row * 12 * 16 + y * 16 + x);
        front!.fill(isSquare ? 220 : dark, at, at + 3);
      }
    for (let at = row * 192; at < (row + 1) * 192; at += 1) rear![at] = 256 * random();
  }
  return {
    rows,
    observation: Float32Array.from({ length: 3 * rows }, () => 2 * random() - 1),
    task: Int32Array.from({ length: rows }, (_, row) => row % 2),
    label,
    weight: new Float32Array(rows).fill(1),
    pictures: [front!, rear!],
  };
}
