import type { RobotType } from '../../datasets/robot-type.ts';
import { isFailure } from '../failures.ts';
import { inParallel } from '../in-parallel.ts';
import type { Progress, SqlEngine, SqlSession } from '../ports.ts';
import { indexEpisodes, readHeads } from './index-episodes.ts';
import { judgeEpisodes, type ReadingWay, type RefusedEpisode, type SegmentContext } from './judge-episodes.ts';
import { filesSql, groupSegments, type LocalSegment, type SegmentGroup } from './segment-files.ts';

export interface JudgedSegments {
  /** What could be read. */
  readonly groups: readonly SegmentGroup[];
  readonly refused: readonly RefusedEpisode[];
  /** What the engine said of segments that cannot be decoded. */
  readonly readErrors: ReadonlyMap<number, string>;
}

export interface JudgePorts {
  readonly engine: SqlEngine;
  /** Holds the tables. */
  readonly session: SqlSession;
  readonly progress: Progress;
}

/**
 * Reads and judges segments all at once, which is fast; when that fails, looks at each file alone to find the ones that
 * cannot be decoded, and goes on without them. Leaves tables `segments` and `heads` of what could be read.
 */
export async function judgeSegments(
  ports: JudgePorts,
  type: RobotType,
  segments: readonly LocalSegment[],
): Promise<JudgedSegments> {
  const none: ReadonlyMap<number, string> = new Map();
  try {
    return { ...(await judged(ports, type, segments, 'fast')), readErrors: none };
  } catch (error) {
    if (!isFailure(error, 'EngineFailed')) throw error;
  }
  const readErrors = await undecodable(ports, segments);
  const rest = segments.filter(({ segment }) => !readErrors.has(segment));
  return { ...(await judged(ports, type, rest, 'careful')), readErrors };
}

async function judged(
  ports: JudgePorts,
  type: RobotType,
  segments: readonly LocalSegment[],
  way: ReadingWay,
): Promise<Omit<JudgedSegments, 'readErrors'>> {
  const { session, progress } = ports;
  const groups = groupSegments(segments);
  const contexts = new Map(segments.map((segment) => [segment.segment, contextOf(segment)]));
  const context = (segment: number): SegmentContext => {
    const found = contexts.get(segment);
    if (found === undefined) throw new Error(`expected a segment of the batch, got ${segment}`);
    return found;
  };
  await session.run('SET parquet_metadata_cache = true');
  await indexEpisodes(session, groups);
  progress({ stage: 'validating', segments: segments.length });
  const [setting] = await session.rows("SELECT current_setting('threads')::INTEGER AS threads");
  const threads = Number(setting?.['threads'] ?? 1);
  const parts = groups.flatMap((group) => partsOf(group, threads));
  const work = [];
  for (const part of parts) work.push({ part, heads: await readHeads(session, part) });
  const refused = await inParallel(work, threads, async ({ part, heads }) => {
    return judgeEpisodes(ports.engine, type, part, heads, context, way, progress);
  });
  return { groups, refused: refused.flat() };
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
});

/** Failures that say nothing about the bytes of a segment. */
const notTheSegment = /no space left|interrupt|(binder|catalog|parser) error/i;

async function undecodable(
  { session, progress }: JudgePorts,
  segments: readonly LocalSegment[],
): Promise<ReadonlyMap<number, string>> {
  const errors = new Map<number, string>();
  for (const segment of segments) {
    try {
      await session.run(`CREATE OR REPLACE TEMP TABLE decoded AS SELECT * FROM ${filesSql([segment])}`);
    } catch (error) {
      if (!isFailure(error, 'EngineFailed') || notTheSegment.test(error.message)) throw error;
      errors.set(segment.segment, error.message.replaceAll(segment.path, segment.planned.key));
    }
    progress({ stage: 'looking for damaged segments', damaged: errors.size });
  }
  await session.run('DROP TABLE IF EXISTS decoded');
  return errors;
}
