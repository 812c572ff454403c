import { z } from 'zod';

import type { RowBlock, RowSource } from './rows.ts';
import type { ModelPort } from './runtime.ts';

/** Frames of a window at most: the present and 63 before it. */
const mostFrames = 64;

/** How many frames a policy sees, the present included; one that sees the present alone does not say it. */
export const historySchema = z.int().min(2).max(mostFrames);

/** Whether a model's reading axis can be that of a window. */
export const isHistory = (frames: number | string | undefined): frames is number =>
  typeof frames === 'number' && frames >= 2 && frames <= mostFrames;

/** Frames that a model reads at once, as its input `observation` says: [batch, frames, o]; 1 for [batch, o]. */
export function historyOf({ inputs }: { readonly inputs: readonly ModelPort[] }): number {
  const shape = inputs.find(({ name }) => name === 'observation')?.shape ?? [];
  return shape.length === 3 && isHistory(shape[1]) ? shape[1] : 1;
}

/**
 * Windows of `history` frames for rows, oldest first, the present last: [rows, history, o]. `past` is [rows, any number of frames, o], likewise; where it
 * has fewer frames than are asked for, the earliest there is stands for those before it. The same on robots, in training and in the gates.
 */
export function windowsOf(
  observation: Float32Array,
  rows: number,
  past: Float32Array | undefined,
  history: number,
): Float32Array {
  if (history === 1) return observation;
  const size = rows === 0 ? 0 : observation.length / rows;
  const before = rows === 0 || size === 0 || past === undefined ? 0 : past.length / rows / size;
  const windows = new Float32Array(rows * history * size);
  for (let row = 0; row < rows; row += 1)
    for (let frame = 0; frame < history; frame += 1) {
      // Place among the frames before the present one; that of the present is `before`.
      const place = Math.max(0, before - (history - 1) + frame);
      const from =
        past !== undefined && place < before
          ? past.subarray((row * before + place) * size, (row * before + place + 1) * size)
          : observation.subarray(row * size, (row + 1) * size);
      windows.set(from, (row * history + frame) * size);
    }
  return windows;
}

/** Rows whose readings are their windows, one frame after the other: how the embedded trainer reads history. */
export function windowedRows(source: RowSource, history: number): RowSource {
  if (history === 1) return source;
  return {
    blockRows: source.blockRows,
    async read(number) {
      const { past, ...block } = await source.read(number);
      return { ...block, observation: windowsOf(block.observation, block.rows, past, history) } satisfies RowBlock;
    },
  };
}
