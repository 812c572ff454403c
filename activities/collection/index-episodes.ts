import { recordedEpisodeColumns, type Column } from '../../datasets/columns.ts';
import { segmentSelect } from '../../datasets/segment-schema.ts';
import { sqlName, sqlText } from '../../datasets/sql-types.ts';
import type { EpisodeValues } from '../../datasets/validation/episode-facts.ts';
import { maxMediaBytes, maxTextBytes } from '../../datasets/validation/segment-rules.ts';
import type { SqlChunk, SqlSession } from '../ports/sql.ts';
import { fileListSql, filesSql, skewUs, type SegmentGroup } from './segment-files.ts';
import { createTable, createTableAs } from '../temp-table.ts';
import { headsTable, ownColumns, segmentsTable, sharedColumns, sharedValuesTable } from './tables.ts';

/** An episode of a segment, as `indexEpisodes` found it. */
export interface Head {
  readonly segment: number;
  readonly firstRow: number;
  readonly lastRow: number;
  readonly rows: number;
  readonly isContradictory: boolean;
  readonly episode: EpisodeValues;
}

/**
 * Makes tables `segments` (a row a segment) and `heads` (a row an episode of a segment: its columns, where its rows are,
 * whether its rows contradict each other, bytes of its longest text and of its media). Texts beyond the limits are not kept:
 * see {@link longTexts}.
 */
export async function indexEpisodes(session: SqlSession, groups: readonly SegmentGroup[]): Promise<void> {
  await listSegments(session, groups);
  for (const group of groups) await session.run(headsSql(group));
}

/** Makes the same tables, with heads that were indexed elsewhere. */
export async function takeHeads(
  session: SqlSession,
  groups: readonly SegmentGroup[],
  headsPaths: readonly string[],
): Promise<void> {
  await listSegments(session, groups);
  for (const path of headsPaths) await session.run(`INSERT INTO heads BY NAME FROM read_parquet(${sqlText(path)})`);
}

async function listSegments(session: SqlSession, groups: readonly SegmentGroup[]): Promise<void> {
  await session.run(createTable(segmentsTable));
  await session.run(createTable(headsTable));
  for (const group of groups) {
    const rows = group.segments.map(
      (segment) =>
        `(${segment.segment}, ${sqlText(segment.robotId)}, ${skewUs(segment)}, ${segment.planned.receivedMs * 1000})`,
    );
    await session.run(`INSERT INTO segments VALUES ${rows.join(', ')}`);
  }
}

/** A segment with a text beyond the limits. */
export interface LongText {
  readonly segment: number;
  readonly value: string;
}

/** Segments of table `heads` with such texts, in their order. */
export async function longTexts(session: SqlSession): Promise<readonly LongText[]> {
  const rows = await session.rows(
    `SELECT segment, max(text_bytes) AS text, max(media_bytes) AS media FROM heads
      GROUP BY segment HAVING text > ${maxTextBytes} OR media > ${maxMediaBytes} ORDER BY segment`,
  );
  return rows.map(({ segment, text, media }) => ({
    segment: Number(segment),
    value: `a text of ${Number(text)} bytes, media of ${Number(media)}`,
  }));
}

const textNames = recordedEpisodeColumns.filter(({ type }) => type === 'string').map(({ name }) => sqlName(name));
const textBytesSql = `greatest(${textNames.map((name) => `coalesce(strlen(${name}), 0)`).join(', ')})`;

/** A column with texts beyond its limit left out, so that whatever gathers them stays small. */
function boundedSql({ name, type }: Column): string {
  const column = sqlName(name);
  const limit = type === 'string' ? maxTextBytes : type === 'mediaList' ? maxMediaBytes : undefined;
  return limit === undefined ? column : `CASE WHEN strlen(${column}) <= ${limit} THEN ${column} END AS ${column}`;
}

function headsSql({ segments, absent }: SegmentGroup): string {
  const names = recordedEpisodeColumns.map(({ name }) => sqlName(name));
  const others = names.filter((name) => name !== '"episode_id"');
  const bounded =
    `SELECT file_index, file_row_number AS row_number, ${textBytesSql} AS text_bytes, ` +
    `coalesce(strlen(media), 0) AS media_bytes, ${recordedEpisodeColumns.map(boundedSql).join(', ')} ` +
    `FROM (SELECT file_index, file_row_number, ${segmentSelect(recordedEpisodeColumns, absent)} FROM ${filesSql(segments)})`;
  const recorded = `SELECT *, hash(${others.join(', ')}) AS digest FROM (${bounded})`;
  const grouped =
    `SELECT file_index::INTEGER AS file_index, min(row_number) AS first_row, max(row_number) AS last_row, ` +
    `count(*) AS row_count, min(digest) <> max(digest) AS contradictory, max(text_bytes) AS text_bytes, ` +
    `max(media_bytes) AS media_bytes, episode_id, ` +
    `${others.map((name) => `first(${name}) AS ${name}`).join(', ')} FROM (${recorded}) GROUP BY file_index, episode_id`;
  return `INSERT INTO heads BY NAME SELECT * EXCLUDE (file_index, skew_us) FROM (${grouped}) JOIN ${fileListSql(segments)} USING (file_index)`;
}

const list = (names: readonly string[]): string => names.map(sqlName).join(', ');

/** The heads of the segments of a group, in the order their first rows come when the files are read one after the other. */
export async function readHeads(session: SqlSession, { segments }: SegmentGroup): Promise<readonly Head[]> {
  await session.run(
    createTableAs(
      sharedValuesTable,
      `SELECT (row_number() OVER () - 1)::INTEGER AS shared, * FROM (SELECT DISTINCT ${list(sharedColumns)} FROM heads)`,
    ),
  );
  const shared = await session.rows(`SELECT ${list(sharedColumns)} FROM shared_values ORDER BY shared`);
  const isEqual = sharedColumns.map((name) => `h.${sqlName(name)} IS NOT DISTINCT FROM s.${sqlName(name)}`);
  const sql =
    `SELECT h.segment, first_row, last_row, row_count, contradictory::INTEGER, shared, coalesce(episode_id, ''), ` +
    `(${nullBits}) AS nulls, ${ownColumns.map((name) => `coalesce(${sqlName(name)}::DOUBLE, 0)`).join(', ')} ` +
    `FROM heads h JOIN shared_values s ON ${isEqual.join(' AND ')} ` +
    `JOIN ${fileListSql(segments)} ON listed.segment = h.segment ORDER BY file_index, first_row`;
  const heads: Head[] = [];
  for await (const chunk of session.chunks(sql)) {
    for (const head of headsOf(chunk, shared)) heads.push(head);
  }
  return heads;
}

/** Bit 0: no id; bit i + 1: own column i is NULL. */
const nullBits = ['episode_id', ...ownColumns]
  .map((name, bit) => `(${sqlName(name)} IS NULL)::INTEGER * ${2 ** bit}`)
  .join(' + ');

function headsOf(chunk: SqlChunk, shared: readonly Partial<EpisodeValues>[]): readonly Head[] {
  const [segments, firstRows, lastRows, rows, contradictory, sharedIndexes] = [0, 1, 2, 3, 4, 5].map((column) =>
    chunk.numbers(column),
  );
  const nulls = chunk.numbers(7);
  const [startedAt, durationMs, p50, p95] = ownColumns.map((_, index) => chunk.numbers(8 + index));
  return chunk.strings(6).map((id, at) => {
    const bits = nulls[at] ?? 0;
    const own = (values: ArrayLike<number> | undefined, bit: number): number | null =>
      (bits & bit) === 0 ? (values?.[at] ?? null) : null;
    const values = shared[sharedIndexes?.[at] ?? -1] ?? {};
    return {
      segment: segments?.[at] ?? -1,
      firstRow: firstRows?.[at] ?? -1,
      lastRow: lastRows?.[at] ?? -1,
      rows: rows?.[at] ?? 0,
      isContradictory: contradictory?.[at] === 1,
      // Spelled out: spreading objects costs more than all the rules together.
      episode: {
        episode_id: (bits & 1) === 0 ? id : null,
        robot_id: values.robot_id ?? null,
        robot_type: values.robot_type ?? null,
        robot_type_version: values.robot_type_version ?? null,
        site: values.site ?? null,
        task: values.task ?? null,
        policy_version: values.policy_version ?? null,
        started_at: own(startedAt, 2),
        duration_ms: own(durationMs, 4),
        outcome: values.outcome ?? null,
        failure_reason: values.failure_reason ?? null,
        intervened: values.intervened ?? null,
        latency_p50_ms: own(p50, 8),
        latency_p95_ms: own(p95, 16),
        frame_count: values.frame_count ?? null,
        media: values.media ?? null,
      },
    };
  });
}
