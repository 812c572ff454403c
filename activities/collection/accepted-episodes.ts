import { correctedInstantSql, recordedOnSql } from '../../datasets/clock.ts';
import {
  lakeEpisodeColumns,
  lakeFrameColumns,
  recordedEpisodeColumns,
  recordedFrameColumns,
} from '../../datasets/columns.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { segmentSelect } from '../../datasets/segment-schema.ts';
import type { Split } from '../../datasets/columns.ts';
import { splitSql, youngSplitSql } from '../../datasets/split.ts';
import { emptyRelation, sqlName } from '../../datasets/sql-types.ts';
import type { SqlSession } from '../ports/sql.ts';
import { fileListSql, filesSql, skewUs, type SegmentGroup } from './segment-files.ts';
import { createTable, createTableAs } from '../temp-table.ts';
import { acceptedTable, excludedEpisodesTable, excludedTable } from './tables.ts';

/** An episode of a segment. */
export interface EpisodePlace {
  readonly segment: number;
  readonly firstRow: number;
}

/** Relations of the rows for the lake's tables. */
export interface AcceptedRows {
  readonly episodes: string;
  readonly frames: string;
  /** The frames again, with `segment` beside. */
  readonly framesBySegment: string;
}

const mediaSql =
  `list_transform(from_json(media, '[{"sha256":"VARCHAR","kind":"VARCHAR","startedAt":"BIGINT","durationMs":"BIGINT","key":"VARCHAR"}]'), ` +
  `lambda m: {'sha256': m.sha256, 'kind': m.kind, 'startedAt': ${correctedInstantSql('m."startedAt"', 'skew_us')}, ` +
  `'durationMs': m."durationMs", 'key': m."key"})`;

/**
 * Makes table `accepted`: the indexed episodes but `excluded`, as the lake has them (corrected clock, day, split). Gives
 * relations of their rows for the lake; frames are read from the files once more, which is cheaper than keeping them. `young`: what
 * `youngSplits` says of the lake, see there.
 */
export async function acceptEpisodes(
  session: SqlSession,
  type: RobotType,
  groups: readonly SegmentGroup[],
  excluded: readonly EpisodePlace[],
  young?: readonly Split[],
): Promise<AcceptedRows> {
  await session.run(createTable(excludedTable));
  const rows = excluded.map(({ segment, firstRow }) => `(${segment}, ${firstRow})`);
  if (rows.length > 0) await session.run(`INSERT INTO excluded VALUES ${rows.join(', ')}`);
  await session.run(
    createTableAs(
      excludedEpisodesTable,
      'SELECT segment, episode_id FROM heads SEMI JOIN excluded USING (segment, first_row)',
    ),
  );
  await session.run(acceptedSql(type, young));
  const taken = await session.rows('SELECT DISTINCT segment FROM accepted');
  const segments = new Set(taken.map(({ segment }) => segment));
  const left = groups
    .map((group) => ({ ...group, segments: group.segments.filter(({ segment }) => segments.has(segment)) }))
    .filter((group) => group.segments.length > 0);
  const frames = (what: { withSegment: boolean }): string =>
    left.length === 0
      ? emptyRelation([...lakeFrameColumns, segmentColumn])
      : `(${left.map((group) => framesSql(group, { ...what, hasExcluded: excluded.length > 0 })).join(' UNION ALL BY NAME ')})`;
  return {
    episodes: `(SELECT ${list(lakeEpisodeColumns)} FROM accepted)`,
    frames: frames({ withSegment: false }),
    framesBySegment: frames({ withSegment: true }),
  };
}

const segmentColumn = { name: 'segment', type: 'int32', nullable: false, doc: '' } as const;
const list = (columns: readonly { readonly name: string }[]): string =>
  columns.map(({ name }) => sqlName(name)).join(', ');

function acceptedSql({ split: rule }: RobotType, young: readonly Split[] | undefined): string {
  const recorded = list(recordedEpisodeColumns.filter(({ name }) => name !== 'started_at' && name !== 'media'));
  const split =
    young === undefined || rule.kind === 'time'
      ? splitSql({ robotId: 'robot_id', recordedOn: 'recorded_on', startedAtUs: '(started_us - skew_us)' }, rule)
      : youngSplitSql(rule, young);
  const query = `WITH dated AS (
      SELECT *, ${recordedOnSql('started_at')} AS recorded_on FROM (
        SELECT segment, skew_us, started_at AS started_us, ${recorded}, ${mediaSql} AS media,
          ${correctedInstantSql('started_at', 'skew_us')} AS started_at, make_timestamptz(received_us) AS received_at
        FROM heads JOIN segments USING (segment) ANTI JOIN excluded USING (segment, first_row))
    ) SELECT *, ${split} AS split FROM dated`;
  return createTableAs(acceptedTable, query);
}

const otherFrameColumns = list(recordedFrameColumns.filter(({ name }) => name !== 'timestamp'));

/** Rows are looked up by file only where files differ: most batches have one clock skew and nothing excluded. */
function framesSql(
  { segments, absent }: SegmentGroup,
  { withSegment, hasExcluded }: { withSegment: boolean; hasExcluded: boolean },
): string {
  const [first] = segments.map(skewUs);
  const hasOneSkew = segments.every((segment) => skewUs(segment) === first);
  const needsList = withSegment || hasExcluded || !hasOneSkew;
  const recorded =
    `SELECT file_index::INTEGER AS file_index, episode_id, started_at, ${segmentSelect(recordedFrameColumns, absent)} ` +
    `FROM ${filesSql(segments)}`;
  const skew = hasOneSkew ? `${first}::BIGINT` : 'listed.skew_us';
  const isExcluded =
    'EXISTS (SELECT 1 FROM excluded_episodes x WHERE x.segment = listed.segment AND x.episode_id IS NOT DISTINCT FROM r.episode_id)';
  return (
    `SELECT ${withSegment ? 'listed.segment, ' : ''}episode_id, ${correctedInstantSql('"timestamp"', skew)} AS "timestamp", ` +
    `${otherFrameColumns}, ${recordedOnSql(correctedInstantSql('started_at', skew))} AS recorded_on FROM (${recorded}) r` +
    (needsList ? ` JOIN ${fileListSql(segments)} ON listed.file_index = r.file_index` : '') +
    (hasExcluded ? ` WHERE NOT ${isExcluded}` : '')
  );
}
