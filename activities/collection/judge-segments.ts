import type { RobotType } from '../../datasets/robot-type.ts';
import { isFailure } from '../failures.ts';
import type { Progress, SqlSession } from '../ports.ts';
import { indexEpisodes } from './index-episodes.ts';
import { judgeEpisodes, type ReadingWay, type RefusedEpisode, type SegmentContext } from './judge-episodes.ts';
import { filesSql, groupSegments, type LocalSegment, type SegmentGroup } from './segment-files.ts';

export interface JudgedSegments {
  /** What could be read. */
  readonly groups: readonly SegmentGroup[];
  readonly refused: readonly RefusedEpisode[];
  /** What the engine said of segments that cannot be decoded. */
  readonly readErrors: ReadonlyMap<number, string>;
}

/**
 * Reads and judges segments all at once, which is fast; when that fails, looks at each file alone to find the ones that
 * cannot be decoded, and goes on without them. Leaves tables `segments` and `heads` of what could be read.
 */
export async function judgeSegments(
  session: SqlSession,
  type: RobotType,
  segments: readonly LocalSegment[],
  progress: Progress,
): Promise<JudgedSegments> {
  const none: ReadonlyMap<number, string> = new Map();
  try {
    return { ...(await judged(session, type, segments, 'fast', progress)), readErrors: none };
  } catch (error) {
    if (!isFailure(error, 'EngineFailed')) throw error;
  }
  const readErrors = await undecodable(session, segments, progress);
  const rest = segments.filter(({ segment }) => !readErrors.has(segment));
  return { ...(await judged(session, type, rest, 'careful', progress)), readErrors };
}

async function judged(
  session: SqlSession,
  type: RobotType,
  segments: readonly LocalSegment[],
  way: ReadingWay,
  progress: Progress,
): Promise<Omit<JudgedSegments, 'readErrors'>> {
  const groups = groupSegments(segments);
  const contexts = new Map(segments.map((segment) => [segment.segment, contextOf(segment)]));
  await session.run('SET preserve_insertion_order = true');
  await session.run('SET parquet_metadata_cache = true');
  await indexEpisodes(session, groups);
  progress({ stage: 'validating', segments: segments.length });
  const refused: RefusedEpisode[] = [];
  for (const group of groups) {
    const context = (segment: number): SegmentContext => {
      const found = contexts.get(segment);
      if (found === undefined) throw new Error(`expected a segment of the batch, got ${segment}`);
      return found;
    };
    refused.push(...(await judgeEpisodes(session, type, group, context, way, progress)));
  }
  return { groups, refused };
}

const contextOf = ({ robotId, planned }: LocalSegment): SegmentContext => ({
  landingRobotId: robotId,
  clockSkewMs: planned.facts.footer.clockSkewMs ?? 0,
  receivedMs: planned.receivedMs,
});

/** Failures that say nothing about the bytes of a segment. */
const notTheSegment = /no space left|interrupt|(binder|catalog|parser) error/i;

async function undecodable(
  session: SqlSession,
  segments: readonly LocalSegment[],
  progress: Progress,
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
