import type { TempTable } from '../temp-table.ts';

/** Made by sets with history alone. */
export const rowPastTable: TempTable = {
  name: 'row_past',
  row: 'a frame of the set with the readings before it, oldest first, and the indexes of their frames (−1: there is none, the earliest stands for it)',
  columns: [
    ['episode', 'BIGINT'],
    ['frame_index', 'INTEGER'],
    ['past', 'FLOAT[n]'],
    ['past_frames', 'FLOAT[n]'],
  ],
  madeBy: 'row-past.ts',
  readBy: ['heldout-episodes.ts', 'sample-frames.ts'],
};

/** Made by sets with a horizon alone. */
export const rowFutureTable: TempTable = {
  name: 'row_future',
  row: 'a frame of the set with the labels of the frames after it, and the indexes of these frames (−1: there is none, the last label stands for it)',
  columns: [
    ['episode', 'BIGINT'],
    ['frame_index', 'INTEGER'],
    ['future', 'FLOAT[n]'],
    ['future_frames', 'FLOAT[n]'],
  ],
  madeBy: 'row-future.ts',
  readBy: ['sample-frames.ts'],
};

/** Made by held-out sets for policies that answer chunks alone. */
export const rowRunTable: TempTable = {
  name: 'row_run',
  row: 'a frame of the set, and how many frames lie between it and the beginning of its run',
  columns: [
    ['episode', 'BIGINT'],
    ['frame_index', 'INTEGER'],
    ['run_frame', 'INTEGER'],
  ],
  madeBy: 'row-run.ts',
  readBy: ['heldout-episodes.ts'],
};
