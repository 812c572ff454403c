import type { TempTable } from '../temp-table.ts';

/** Made by sets with images alone. */
export const episodeClipTable: TempTable = {
  name: 'episode_clip',
  row: 'an episode with a clip of every camera that is asked for; for the n-th camera, `sha256_n` names the clip and `started_n` is its first instant, µs',
  columns: [
    ['episode_id', 'VARCHAR'],
    ['robot_id', 'VARCHAR'],
    ['sha256_0', 'VARCHAR'],
    ['started_0', 'DOUBLE'],
  ],
  madeBy: 'episode-clips.ts',
  readBy: ['row-images.ts'],
};

export const rowImageTable: TempTable = {
  name: 'row_image',
  row: 'a frame with an image of every camera that is asked for: where the n-th one stands in the scratch file',
  columns: [
    ['episode', 'INTEGER'],
    ['at_us', 'BIGINT'],
    ['block_0', 'INTEGER'],
    ['rest_0', 'INTEGER'],
    ['size_0', 'INTEGER'],
  ],
  madeBy: 'row-images.ts',
  readBy: ['heldout-episodes.ts', 'sample-frames.ts'],
};
