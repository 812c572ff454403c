import type { TempTable } from '../temp-table.ts';

const knownColumns: TempTable['columns'] = [
  ['episode_id', 'VARCHAR'],
  ['robot_id', 'VARCHAR'],
  ['task', 'VARCHAR'],
  ['task_index', 'INTEGER'],
  ['outcome', 'VARCHAR'],
  ['split', 'VARCHAR'],
  ['recorded_on', 'DATE'],
  ['frame_count', 'INTEGER'],
  ['is_new', 'BOOLEAN'],
  ['set_index', 'INTEGER'],
  ['body_index', 'INTEGER'],
  ['is_labelled_by_outcome', 'BOOLEAN'],
  ['is_partial', 'BOOLEAN'],
];

export const knownEpisodeTable: TempTable = {
  name: 'known_episode',
  row: 'an episode in scope; gone when `labelled_episode` is made of it',
  columns: knownColumns,
  madeBy: 'labelled-episodes.ts',
  readBy: [],
};

export const expertCountTable: TempTable = {
  name: 'expert_count',
  row: 'how many frames of an episode have a label, and how many one that the body does not have, for episodes whose outcome does not say; gone with `known_episode`',
  columns: [
    ['episode_id', 'VARCHAR'],
    ['labelled_count', 'BIGINT'],
    ['left_out_count', 'BIGINT'],
  ],
  madeBy: 'labelled-episodes.ts',
  readBy: [],
};

export const labelledEpisodeTable: TempTable = {
  name: 'labelled_episode',
  row: 'an episode in scope with the number of its frames that have a label',
  columns: [...knownColumns, ['labelled_count', 'INTEGER'], ['left_out_count', 'INTEGER']],
  madeBy: 'labelled-episodes.ts',
  readBy: [
    'doubtful-episodes.ts',
    'heldout-episodes.ts',
    'label-gaps.ts',
    'label-queue.ts',
    'measure-quality.ts',
    'mixed-episodes.ts',
  ],
};

export const measuredEpisodeTable: TempTable = {
  name: 'measured_episode',
  row: 'an episode whose quality is measured, numbered from 0 by a digest of its id',
  columns: [
    ['episode_id', 'VARCHAR'],
    ['robot_id', 'VARCHAR'],
    ['recorded_on', 'DATE'],
    ['number', 'INTEGER'],
  ],
  madeBy: 'measure-quality.ts',
  readBy: [],
};

export const doubtfulEpisodeTable: TempTable = {
  name: 'doubtful_episode',
  row: 'an episode of a training set that lies far out in a measure of its quality, by its rowid in `mixed_episode`',
  columns: [['episode', 'BIGINT']],
  madeBy: 'doubtful-episodes.ts',
  readBy: ['sample-frames.ts'],
};

export const mixedEpisodeTable: TempTable = {
  name: 'mixed_episode',
  row: 'an episode whose frames may enter a training set, with the number of its cell and the frame that leads (−1: none); frames name it by rowid',
  columns: [
    ['episode_id', 'VARCHAR'],
    ['recorded_on', 'DATE'],
    ['task_index', 'INTEGER'],
    ['body_index', 'INTEGER'],
    ['is_labelled_by_outcome', 'BOOLEAN'],
    ['labelled_count', 'INTEGER'],
    ['is_fresh', 'BOOLEAN'],
    ['cell', 'INTEGER'],
    ['lead_index', 'INTEGER'],
  ],
  madeBy: 'mixed-episodes.ts',
  readBy: ['doubtful-episodes.ts', 'label-gaps.ts', 'mix-set.ts', 'sample-frames.ts'],
};

export const cellQuotaTable: TempTable = {
  name: 'cell_quota',
  row: 'a cell, how many frames it gives, and the largest hash that is worth looking at',
  columns: [
    ['cell', 'INTEGER'],
    ['quota', 'INTEGER'],
    ['bound', 'UBIGINT'],
  ],
  madeBy: 'sample-frames.ts',
  readBy: [],
};

export const sampledFrameTable: TempTable = {
  name: 'sampled_frame',
  row: 'a frame below the bound of its cell; `episode` is the rowid in `mixed_episode`; others read it through `sampledRows`',
  columns: [
    ['cell', 'INTEGER'],
    ['episode', 'BIGINT'],
    ['task_index', 'INTEGER'],
    ['is_correction', 'BOOLEAN'],
    ['sample_hash', 'UBIGINT'],
    ['order_hash', 'UBIGINT'],
    ['observation', 'FLOAT[n]'],
    ['label', 'LABEL'],
  ],
  madeBy: 'sample-frames.ts',
  readBy: [],
};

export const cellCutTable: TempTable = {
  name: 'cell_cut',
  row: 'a cell and the largest hash that still belongs to the sample',
  columns: [
    ['cell', 'INTEGER'],
    ['largest_hash', 'UBIGINT'],
  ],
  madeBy: 'sample-frames.ts',
  readBy: [],
};

export const heldoutEpisodeTable: TempTable = {
  name: 'heldout_episode',
  row: 'an episode of the held-out set, numbered from 0 in the order of ids, its robot in that of robots',
  columns: [
    ['episode_id', 'VARCHAR'],
    ['robot_id', 'VARCHAR'],
    ['task_index', 'INTEGER'],
    ['recorded_on', 'DATE'],
    ['body_index', 'INTEGER'],
    ['is_labelled_by_outcome', 'BOOLEAN'],
    ['episode_hash', 'UBIGINT'],
    ['turn', 'BIGINT'],
    ['episode', 'INTEGER'],
    ['robot', 'INTEGER'],
  ],
  madeBy: 'heldout-episodes.ts',
  readBy: [],
};
