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
