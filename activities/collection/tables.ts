import { recordedEpisodeColumns, recordedFrameColumns, type Column } from '../../datasets/columns.ts';
import { segmentSqlType } from '../../datasets/segment-schema.ts';
import { sqlTypes } from '../../datasets/sql-types.ts';
import type { TempTable } from '../temp-table.ts';

const asRecorded = (columns: readonly Column[]): TempTable['columns'] =>
  columns.map((column) => [column.name, segmentSqlType(column)]);
const asInLake = (columns: readonly Column[]): TempTable['columns'] =>
  columns.map(({ name, type }) => [name, sqlTypes[type]]);
const columnsOf = (names: readonly string[]): readonly Column[] =>
  recordedEpisodeColumns.filter(({ name }) => names.includes(name));

/** Columns that differ from episode to episode; numbers, so they travel as doubles. */
export const ownColumns = ['started_at', 'duration_ms', 'latency_p50_ms', 'latency_p95_ms'] as const;
/** All others but the id: few different rows of them, so each is made into an object once. */
export const sharedColumns = recordedEpisodeColumns
  .map(({ name }) => name)
  .filter((name) => name !== 'episode_id' && !(ownColumns as readonly string[]).includes(name));

export const segmentsTable: TempTable = {
  name: 'segments',
  row: 'a segment of the batch',
  columns: [
    ['segment', 'INTEGER'],
    ['landing_robot', 'VARCHAR'],
    ['skew_us', 'BIGINT'],
    ['received_us', 'BIGINT'],
  ],
  madeBy: 'index-episodes.ts',
  readBy: ['accepted-episodes.ts', 'erased-episodes.ts'],
};

export const headsTable: TempTable = {
  name: 'heads',
  row: 'an episode of a segment: where its rows are, whether they contradict each other, bytes of its longest text and of its media, its columns',
  columns: [
    ['segment', 'INTEGER'],
    ['first_row', 'INTEGER'],
    ['last_row', 'INTEGER'],
    ['row_count', 'INTEGER'],
    ['contradictory', 'BOOLEAN'],
    ['text_bytes', 'BIGINT'],
    ['media_bytes', 'BIGINT'],
    ...asRecorded(recordedEpisodeColumns),
  ],
  madeBy: 'index-episodes.ts',
  readBy: [
    'accepted-episodes.ts',
    'decide-batch.ts',
    'erased-episodes.ts',
    'erased-segments.ts',
    'find-twins.ts',
    'quarantine-refused.ts',
    'segment-judge.ts',
  ],
};

export const sharedValuesTable: TempTable = {
  name: 'shared_values',
  row: 'values that many heads have in common',
  columns: [['shared', 'INTEGER'], ...asRecorded(columnsOf(sharedColumns))],
  madeBy: 'index-episodes.ts',
  readBy: [],
};

export const excludedTable: TempTable = {
  name: 'excluded',
  row: 'an episode of a segment that is refused, or stored already',
  columns: [
    ['segment', 'INTEGER'],
    ['first_row', 'INTEGER'],
  ],
  madeBy: 'accepted-episodes.ts',
  readBy: [],
};

export const excludedEpisodesTable: TempTable = {
  name: 'excluded_episodes',
  row: 'the same by its id, for frames, which know no first row',
  columns: [
    ['segment', 'INTEGER'],
    ['episode_id', 'VARCHAR'],
  ],
  madeBy: 'accepted-episodes.ts',
  readBy: [],
};

export const acceptedTable: TempTable = {
  name: 'accepted',
  row: 'an episode that goes into the lake, as the lake has it, with the segment it came in and that one’s clock',
  columns: [
    ['segment', 'INTEGER'],
    ['skew_us', 'BIGINT'],
    ['started_us', 'BIGINT'],
    ...asInLake(recordedEpisodeColumns.filter(({ name }) => name !== 'started_at' && name !== 'media')),
    ['media', sqlTypes.mediaList],
    ['started_at', 'TIMESTAMPTZ'],
    ['received_at', 'TIMESTAMPTZ'],
    ['recorded_on', 'DATE'],
    ['split', 'VARCHAR'],
  ],
  madeBy: 'accepted-episodes.ts',
  readBy: ['awaited-clips.ts', 'count-decision.ts', 'find-twins.ts', 'unstored-frames.ts'],
};

export const twinsTable: TempTable = {
  name: 'twins',
  row: 'an accepted episode whose id is in the lake (`original` NULL) or came in an earlier segment of the batch (`original`)',
  columns: [
    ['segment', 'INTEGER'],
    ['episode_id', 'VARCHAR'],
    ['original', 'INTEGER'],
  ],
  madeBy: 'find-twins.ts',
  readBy: [],
};

export const twinFramesTable: TempTable = {
  name: 'twin_frames',
  row: 'a frame of a twin',
  columns: [
    ['segment', 'INTEGER'],
    ['episode_id', 'VARCHAR'],
    ['timestamp', 'TIMESTAMPTZ'],
    ...asInLake(recordedFrameColumns.filter(({ name }) => name !== 'timestamp')),
    ['recorded_on', 'DATE'],
  ],
  madeBy: 'find-twins.ts',
  readBy: [],
};

export const storedFramesTable: TempTable = {
  name: 'stored_frames',
  row: 'a frame of an accepted episode that the lake has from a collection that died between its two commits',
  columns: [
    ['episode_id', 'VARCHAR'],
    ['frame_index', 'INTEGER'],
  ],
  madeBy: 'unstored-frames.ts',
  readBy: [],
};
