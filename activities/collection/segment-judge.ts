import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { lakeEpisodeColumns, lakeFrameColumns, recordedFrameColumns } from '../../datasets/columns.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { sqlName, sqlText } from '../../datasets/sql-types.ts';
import { waivableRuleIds } from '../../datasets/validation/rules.ts';
import { inParallel } from '../../store/in-parallel.ts';
import { writeFiles } from '../lake/write-files.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlEngine, SqlSession } from '../ports/sql.ts';
import { acceptEpisodes } from './accepted-episodes.ts';
import { indexEpisodes, longTexts, readHeads, type LongText } from './index-episodes.ts';
import { judgeEpisodes, type ReadingWay, type RefusedEpisode, type SegmentContext } from './judge-episodes.ts';
import { copyOf, filesSql, groupSegments, type LocalSegment, type SegmentGroup } from './segment-files.ts';

/** Plain data: it travels between processes. */
export interface JudgeJob {
  readonly type: RobotType;
  readonly segments: readonly LocalSegment[];
  readonly way: ReadingWay;
  /** Where to put the index of the episodes, as a Parquet file of ours. */
  readonly headsPath: string;
  /** Where the careful way leaves a copy of every segment ({@link copyOf}), which is what it judges. */
  readonly copiesDirectory: string;
  /** For files that are gone when the job is done. */
  readonly scratchDirectory: string;
}

export interface Judgement {
  readonly refused: readonly RefusedEpisode[];
  /** Segments with such texts; when there are any, nothing else was looked at. */
  readonly longTexts: readonly LongText[];
}

/**
 * Reads foreign bytes and judges the episodes in them. Fails with `EngineFailed` when something in the segments, or around
 * them, cannot be read: which of them, the caller finds out.
 */
export interface SegmentJudge {
  judge(job: JudgeJob, progress: Progress): Promise<Judgement>;
}

/** Judges in this process, on sessions of `engine`. */
export const segmentJudge = (engine: SqlEngine): SegmentJudge => ({
  judge: async (job, progress) => {
    const session = await engine.open();
    try {
      return await judged(engine, session, job, progress);
    } finally {
      await session.close();
    }
  },
});

async function judged(
  engine: SqlEngine,
  session: SqlSession,
  { type, segments, way, headsPath, copiesDirectory, scratchDirectory }: JudgeJob,
  progress: Progress,
): Promise<Judgement> {
  let groups = groupSegments(segments);
  const contexts = new Map(segments.map((segment) => [segment.segment, contextOf(segment)]));
  const context = (segment: number): SegmentContext => {
    const found = contexts.get(segment);
    if (found === undefined) throw new Error(`expected a segment of the batch, got ${segment}`);
    return found;
  };
  await session.run('SET parquet_metadata_cache = true');
  await indexEpisodes(session, groups);
  const long = await longTexts(session);
  if (long.length > 0) return { refused: [], longTexts: long };
  if (way === 'careful') {
    groups = await copied(session, groups, copiesDirectory, progress);
  }
  progress({ stage: 'validating', segments: segments.length });
  const [setting] = await session.rows("SELECT current_setting('threads')::INTEGER AS threads");
  const threads = Number(setting?.['threads'] ?? 1);
  const work = [];
  for (const part of groups.flatMap((group) => partsOf(group, threads))) {
    work.push({ part, heads: await readHeads(session, part) });
  }
  const found = await inParallel(work, threads, async ({ part, heads }) => {
    return judgeEpisodes(engine, type, part, heads, context, way, progress);
  });
  const refused = found.flat();
  await session.run(`COPY heads TO ${sqlText(headsPath)} (FORMAT parquet)`);
  if (way === 'careful') await rehearse(session, type, groups, refused, scratchDirectory);
  return { refused, longTexts: [] };
}

/** Frames of 1,024 values in one row group of a copy: 32 MiB. */
const rowsPerGroup = 8_192;

/** What is read of a segment once its episodes are indexed: an episode's texts stand in its index and in every row, a copy would hold them all. */
const copiedColumns: ReadonlySet<string> = new Set([
  'episode_id',
  'started_at',
  ...recordedFrameColumns.map(({ name }) => name),
]);

/**
 * The frames of the segments as files of ours, in the same order. A foreign file has more than rows: statistics, indexes and filters that are
 * read, believed or stumbled over only when a later statement looks for some of its rows.
 */
async function copied(
  session: SqlSession,
  groups: readonly SegmentGroup[],
  directory: string,
  progress: Progress,
): Promise<readonly SegmentGroup[]> {
  await mkdir(directory, { recursive: true });
  await session.run('SET preserve_insertion_order = true');
  const copies: SegmentGroup[] = [];
  for (const { segments, absent } of groups) {
    const columns = [...copiedColumns].filter((name) => !absent.has(name)).map(sqlName);
    const own = segments.map((segment) => copyOf(segment, directory));
    for (const [index, segment] of segments.entries()) {
      progress({ stage: 'copying segments', segments: copies.length + index });
      await session.run(
        `COPY (SELECT ${columns.join(', ')} FROM ${filesSql([segment])}) TO ${sqlText(own[index]?.path ?? '')} ` +
          `(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowsPerGroup})`,
      );
    }
    copies.push({ segments: own, absent });
  }
  await session.run('SET preserve_insertion_order = false');
  return copies;
}

/** Does everything that is done with accepted rows up to the lake's files, so that what fails there fails here. */
async function rehearse(
  session: SqlSession,
  type: RobotType,
  groups: readonly SegmentGroup[],
  refused: readonly RefusedEpisode[],
  scratchDirectory: string,
): Promise<void> {
  // What a person may have released is rehearsed as well.
  const barred = refused.filter(({ violations }) => violations.some(({ rule }) => !waivableRuleIds.has(rule)));
  const accepted = await acceptEpisodes(session, type, groups, barred);
  const directory = join(scratchDirectory, `rehearsal-${randomUUID()}`);
  try {
    const target = (fileId: string) => ({ directory: join(directory, fileId), fileId });
    await writeFiles(session, lakeEpisodeColumns, accepted.episodes, target('episodes'));
    await writeFiles(session, lakeFrameColumns, accepted.frames, target('frames'));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Cuts a group into as many parts as there are threads, each with about as many rows and in the order of the group. */
function partsOf(group: SegmentGroup, count: number): readonly SegmentGroup[] {
  const rows = group.segments.reduce((sum, { planned }) => sum + planned.facts.rows, 0);
  const parts: LocalSegment[][] = Array.from({ length: count }, () => []);
  let before = 0;
  for (const segment of group.segments) {
    parts[Math.min(count - 1, Math.floor((before * count) / Math.max(1, rows)))]?.push(segment);
    before += segment.planned.facts.rows;
  }
  return parts.filter(({ length }) => length > 0).map((segments) => ({ ...group, segments }));
}

const contextOf = ({ robotId, planned }: LocalSegment): SegmentContext => ({
  landingRobotId: robotId,
  clockSkewMs: planned.facts.footer.clockSkewMs ?? 0,
  receivedMs: planned.receivedMs,
  registeredMs: planned.registeredMs,
});
