import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { segmentColumns } from '../../datasets/columns.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { segmentSqlType } from '../../datasets/segment-schema.ts';
import { sqlName, sqlText } from '../../datasets/sql-types.ts';
import { isFailure } from '../../store/failures.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlSession } from '../ports/sql.ts';
import { takeHeads } from './index-episodes.ts';
import type { ReadingWay, RefusedEpisode } from './judge-episodes.ts';
import { copyOf, groupSegments, type LocalSegment, type SegmentGroup } from './segment-files.ts';
import type { SegmentJudge } from './segment-judge.ts';

export interface JudgedSegments {
  /** What could be read; in the careful way, copies in the scratch directory instead of the files that came. */
  readonly groups: readonly SegmentGroup[];
  readonly refused: readonly RefusedEpisode[];
  /** What was said of segments that cannot be read. */
  readonly readErrors: ReadonlyMap<number, string>;
  /** Texts that are too long, by segment. */
  readonly longTexts: ReadonlyMap<number, string>;
}

export interface JudgePorts {
  readonly judge: SegmentJudge;
  /** Holds the tables. */
  readonly session: SqlSession;
  readonly progress: Progress;
  readonly scratchDirectory: string;
}

/**
 * Judges segments all at once, which is fast. When that fails they are judged in halves, and halves of halves, each with
 * the very statements of the whole: a segment with which they fail, alone and twice, is named; the others lose nothing by
 * it. A sound segment of ours is judged first, so that a full disk is nobody's fault. Leaves tables `segments` and `heads`
 * of what could be read, and copies of what was read carefully, which go with the scratch directory.
 */
export async function judgeSegments(
  ports: JudgePorts,
  type: RobotType,
  segments: readonly LocalSegment[],
  way: ReadingWay = 'fast',
): Promise<JudgedSegments> {
  const found = new Findings();
  const left = await wholeOrParts(ports, type, segments, way, found);
  const groups = groupSegments(left);
  await takeHeads(ports.session, groups, found.headsPaths);
  for (const path of found.headsPaths) await rm(path, { force: true });
  return { groups, refused: found.refused, readErrors: found.readErrors, longTexts: found.longTexts };
}

class Findings {
  readonly refused: RefusedEpisode[] = [];
  readonly headsPaths: string[] = [];
  /** Folders of copies. */
  readonly copies: string[] = [];
  readonly readErrors = new Map<number, string>();
  readonly longTexts = new Map<number, string>();
}

/** Gives what could be read. */
async function wholeOrParts(
  ports: JudgePorts,
  type: RobotType,
  segments: readonly LocalSegment[],
  way: ReadingWay,
  found: Findings,
): Promise<readonly LocalSegment[]> {
  if (way === 'fast') {
    try {
      return await judged(ports, type, segments, 'fast', found);
    } catch (error) {
      if (!mayBeTheSegments(error)) throw error;
    }
  }
  await judgeControl(ports, type);
  return inHalves(ports, type, segments, found);
}

async function inHalves(
  ports: JudgePorts,
  type: RobotType,
  segments: readonly LocalSegment[],
  found: Findings,
): Promise<readonly LocalSegment[]> {
  const failed = await attempt(() => judged(ports, type, segments, 'careful', found));
  if (failed.error === undefined) return failed.left;
  const [first] = segments;
  if (segments.length === 1 && first !== undefined) {
    const again = await attempt(() => judged(ports, type, segments, 'careful', found));
    if (again.error === undefined) return again.left;
    found.readErrors.set(first.segment, again.error.message.replaceAll(first.path, first.planned.key));
    return [];
  }
  ports.progress({ stage: 'looking for damaged segments', segments: segments.length, damaged: found.readErrors.size });
  const half = Math.ceil(segments.length / 2);
  const left = await inHalves(ports, type, segments.slice(0, half), found);
  return [...left, ...(await inHalves(ports, type, segments.slice(half), found))];
}

async function attempt(
  work: () => Promise<readonly LocalSegment[]>,
): Promise<{ readonly left: readonly LocalSegment[]; readonly error?: Error }> {
  try {
    return { left: await work() };
  } catch (error) {
    if (mayBeTheSegments(error)) return { left: [], error };
    throw error;
  }
}

/** Judges once; segments with texts that are too long are put aside and the others judged without them. */
async function judged(
  { judge, progress, scratchDirectory }: JudgePorts,
  type: RobotType,
  segments: readonly LocalSegment[],
  way: ReadingWay,
  found: Findings,
): Promise<readonly LocalSegment[]> {
  let left = segments;
  while (left.length > 0) {
    const headsPath = join(scratchDirectory, `heads-${randomUUID()}.parquet`);
    const copiesDirectory = join(scratchDirectory, `copies-${randomUUID()}`);
    const job = { type, segments: left, way, headsPath, copiesDirectory, scratchDirectory };
    const { refused, longTexts } = await judge.judge(job, progress).catch(async (error: unknown) => {
      // Halves of halves of a batch would fill the disk.
      await rm(copiesDirectory, { recursive: true, force: true });
      throw error;
    });
    if (longTexts.length === 0) {
      found.refused.push(...refused);
      found.headsPaths.push(headsPath);
      if (way === 'fast') return left;
      found.copies.push(copiesDirectory);
      return left.map((segment) => copyOf(segment, copiesDirectory));
    }
    for (const { segment, value } of longTexts) found.longTexts.set(segment, value);
    left = left.filter(({ segment }) => !found.longTexts.has(segment));
  }
  return left;
}

/** Fails when even a segment of our own cannot be judged. */
async function judgeControl(ports: JudgePorts, type: RobotType): Promise<void> {
  const path = join(ports.scratchDirectory, `control-${randomUUID()}.parquet`);
  const columns = segmentColumns.map((column) => `NULL::${segmentSqlType(column)} AS ${sqlName(column.name)}`);
  await ports.session.run(`COPY (SELECT ${columns.join(', ')}) TO ${sqlText(path)} (FORMAT parquet)`);
  const facts = {
    form: 'parquet',
    sizeBytes: 0,
    rows: 1,
    mostValues: 1,
    footer: {},
    columnProblems: [],
    absentColumns: [],
  } as const;
  const control = { segment: 0, path, robotId: 'control', planned: { key: 'control', receivedMs: 0, facts } };
  const found = new Findings();
  await judged(ports, type, [control], 'careful', found);
  for (const written of [path, ...found.headsPaths, ...found.copies])
    await rm(written, { recursive: true, force: true });
}

/** Failures that say nothing about the bytes of a segment. */
const notTheSegment = /no space left|interrupt/i;

/** Whether the engine failed at the bytes of a segment: a full disk or an interrupt say nothing about them. */
export const mayBeTheSegments = (error: unknown): error is Error =>
  isFailure(error, 'EngineFailed') && !notTheSegment.test(error.message);
