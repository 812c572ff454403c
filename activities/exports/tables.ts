import type { TempTable } from '../temp-table.ts';

export const excludedIdTable: TempTable = {
  name: 'excluded_id',
  row: 'an episode that a person has excluded',
  columns: [['episode_id', 'VARCHAR']],
  madeBy: 'picked-episodes.ts',
  readBy: [],
};

const episodeColumns: TempTable['columns'] = [
  ['episode_id', 'VARCHAR'],
  ['robot_id', 'VARCHAR'],
  ['site', 'VARCHAR'],
  ['task', 'VARCHAR'],
  ['policy_version', 'VARCHAR'],
  ['started_at', 'TIMESTAMPTZ'],
  ['outcome', 'VARCHAR'],
  ['failure_reason', 'VARCHAR'],
  ['intervened', 'BOOLEAN'],
  ['frame_count', 'INTEGER'],
  ['split', 'VARCHAR'],
  ['recorded_on', 'DATE'],
];

export const wantedEpisodeTable: TempTable = {
  name: 'wanted_episode',
  row: 'an episode of the filter, exported or not',
  columns: episodeColumns,
  madeBy: 'picked-episodes.ts',
  readBy: [],
};

export const pickedEpisodeTable: TempTable = {
  name: 'picked_episode',
  row: 'an episode that is exported; `number` is its place in the export, from 0 in the order of the starts',
  columns: [['number', 'BIGINT'], ...episodeColumns],
  madeBy: 'picked-episodes.ts',
  readBy: ['export-lerobot.ts', 'lerobot-videos.ts'],
};

export const episodeOffsetTable: TempTable = {
  name: 'episode_offset',
  row: 'the number of frames before an exported episode',
  columns: [
    ['number', 'BIGINT'],
    ['first', 'BIGINT'],
  ],
  madeBy: 'export-lerobot.ts',
  readBy: [],
};

export const taskSentenceTable: TempTable = {
  name: 'task_sentence',
  row: 'a task of the exported episodes, its index in the data set and what it is called there',
  columns: [
    ['task', 'VARCHAR'],
    ['task_index', 'BIGINT'],
    ['sentence', 'VARCHAR'],
  ],
  madeBy: 'export-lerobot.ts',
  readBy: [],
};
