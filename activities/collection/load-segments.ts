import { recordedEpisodeColumns, recordedFrameColumns } from '../../datasets/columns.ts';
import { segmentSelect, segmentSqlType } from '../../datasets/segment-schema.ts';
import { sqlName, sqlText } from '../../datasets/sql-types.ts';
import { isFailure } from '../failures.ts';
import type { Progress, SqlSession } from '../ports.ts';
import type { PlannedSegment } from './documents.ts';

/** A segment whose file is here; `segment` is its position in the batch. */
export interface LocalSegment {
  readonly segment: number;
  readonly path: string;
  readonly robotId: string;
  readonly planned: PlannedSegment;
}

const columnList = (columns: typeof recordedEpisodeColumns | typeof recordedFrameColumns): string =>
  columns.map((column) => `${sqlName(column.name)} ${segmentSqlType(column)}`).join(', ');

/**
 * Reads segments into the session's tables `segments`, `heads` (a row an episode of a segment) and `recorded_frames`: all at once, which is fast; when that fails, file by file, so that the ones
 * that cannot be decoded are found. Returns those, with what the engine said. Rows keep the order of their file.
 */
export async function loadSegments(
  session: SqlSession,
  segments: readonly LocalSegment[],
  progress: Progress,
): Promise<ReadonlyMap<number, string>> {
  await session.run('SET preserve_insertion_order = true');
  try {
    await loadAll(session, segments, progress);
    return new Map();
  } catch (error) {
    if (!isFailure(error, 'EngineFailed')) throw error;
    const errors = await readErrors(session, segments, progress);
    if (errors.size === 0) throw error;
    await loadAll(
      session,
      segments.filter(({ segment }) => !errors.has(segment)),
      progress,
    );
    return errors;
  }
}

async function loadAll(session: SqlSession, segments: readonly LocalSegment[], progress: Progress): Promise<void> {
  await session.run(
    'CREATE OR REPLACE TEMP TABLE segments (segment INTEGER, landing_robot VARCHAR, skew_us BIGINT, received_us BIGINT)',
  );
  await session.run(
    `CREATE OR REPLACE TEMP TABLE heads (load_order INTEGER, segment INTEGER, first_row INTEGER, last_row INTEGER, row_count INTEGER, ` +
      `contradictory BOOLEAN, ${columnList(recordedEpisodeColumns)})`,
  );
  await session.run(
    'CREATE OR REPLACE TEMP TABLE recorded_frames (segment INTEGER, row_number INTEGER, episode_id VARCHAR, ' +
      `${columnList(recordedFrameColumns)})`,
  );
  if (segments.length === 0) return;
  const rows = segments.map(({ segment, robotId, planned }) => {
    const skewUs = Math.round((planned.facts.footer.clockSkewMs ?? 0) * 1000);
    return `(${segment}, ${sqlText(robotId)}, ${skewUs}, ${planned.receivedMs * 1000})`;
  });
  await session.run(`INSERT INTO segments VALUES ${rows.join(', ')}`);
  let loaded = 0;
  for (const group of bySchema(segments)) {
    await session.run(headsSql(group, loaded));
    progress({ stage: 'reading', segments: loaded });
    await session.run(framesSql(group));
    loaded += group.length;
    progress({ stage: 'reading', segments: loaded });
  }
}

/** Segments that lack the same columns are read by one statement, without opening every file for its schema first. */
function bySchema(segments: readonly LocalSegment[]): readonly (readonly LocalSegment[])[] {
  const groups = new Map<string, LocalSegment[]>();
  for (const segment of segments) {
    const name = segment.planned.facts.absentColumns.join();
    groups.set(name, [...(groups.get(name) ?? []), segment]);
  }
  return [...groups.values()];
}

const absentOf = (group: readonly LocalSegment[]): ReadonlySet<string> =>
  new Set(group[0]?.planned.facts.absentColumns);

/** `file_index` counts the files of the list from 0; the list beside it says which segment that is. */
const files = (group: readonly LocalSegment[]): string =>
  `read_parquet([${group.map(({ path }) => sqlText(path)).join(', ')}], file_row_number = true, hive_partitioning = false)`;
const segmentNumber = (group: readonly LocalSegment[]): string =>
  `([${group.map(({ segment }) => segment).join(', ')}])[file_index::INTEGER + 1]`;

function headsSql(group: readonly LocalSegment[], loaded: number): string {
  const names = recordedEpisodeColumns.map(({ name }) => sqlName(name));
  const others = names.filter((name) => name !== '"episode_id"');
  return (
    `INSERT INTO heads BY NAME SELECT ${loaded} + file_index AS load_order, ${segmentNumber(group)} AS segment, min(row_number) AS first_row, ` +
    `max(row_number) AS last_row, count(*) AS row_count, min(digest) <> max(digest) AS contradictory, episode_id, ` +
    `${others.map((name) => `first(${name}) AS ${name}`).join(', ')} ` +
    `FROM (SELECT file_index, file_row_number AS row_number, hash(${others.join(', ')}) AS digest, ${names.join(', ')} ` +
    `FROM (SELECT file_index, file_row_number, ${segmentSelect(recordedEpisodeColumns, absentOf(group))} ` +
    `FROM ${files(group)})) GROUP BY file_index, episode_id`
  );
}

const framesSql = (group: readonly LocalSegment[]): string =>
  `INSERT INTO recorded_frames BY NAME SELECT ${segmentNumber(group)} AS segment, file_row_number AS row_number, ` +
  `episode_id, ${segmentSelect(recordedFrameColumns, absentOf(group))} FROM ${files(group)}`;

/** Failures that say nothing about the bytes of the segment. */
const notTheSegment = /no space left|interrupt|(binder|catalog|parser) error/i;

/** What the engine says of each segment that it cannot decode on its own. */
async function readErrors(
  session: SqlSession,
  segments: readonly LocalSegment[],
  progress: Progress,
): Promise<ReadonlyMap<number, string>> {
  const errors = new Map<number, string>();
  for (const segment of segments) {
    try {
      await session.run(`CREATE OR REPLACE TEMP TABLE decoded AS SELECT * FROM ${files([segment])}`);
    } catch (error) {
      if (!isFailure(error, 'EngineFailed') || notTheSegment.test(error.message)) throw error;
      errors.set(segment.segment, error.message.replaceAll(segment.path, segment.planned.key));
    }
    progress({ stage: 'looking for damaged segments', damaged: errors.size });
  }
  await session.run('DROP TABLE IF EXISTS decoded');
  return errors;
}
