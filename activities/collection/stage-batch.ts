import type { LakeTable } from '../../datasets/dataset-version.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { manyRobots } from '../../datasets/split.ts';
import { isFailure } from '../../store/failures.ts';
import { jsonBytes, readJson, requireJson } from '../../store/json-objects.ts';
import type { Lake, LakeTransaction, StagedRows } from '../lake/lake.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlEngine, SqlSession } from '../ports/sql.ts';
import { acceptEpisodes } from './accepted-episodes.ts';
import { decideBatch, type DecidedBatch } from './decide-batch.ts';
import { decisionKeyOf, decisionSchema, type BatchDecision, type PlannedSegment } from './documents.ts';
import { erasedPlaces, type Tombstones } from './erased-episodes.ts';
import { withoutErased } from './erased-segments.ts';
import { indexEpisodes } from './index-episodes.ts';
import type { ReadingWay } from './judge-episodes.ts';
import { judgeSegments, mayBeTheSegments } from './judge-segments.ts';
import type { PresentSegment } from './present-segments.ts';
import { groupSegments, type SegmentGroup } from './segment-files.ts';
import { segmentJudge, type SegmentJudge } from './segment-judge.ts';
import type { Attempted } from './trouble.ts';
import { unstoredFrames } from './unstored-frames.ts';

export interface IngestPorts extends Attempted {
  readonly engine: SqlEngine;
  readonly lake: Lake;
  readonly progress: Progress;
  readonly scratchDirectory: string;
  /** Reads foreign bytes; in this process unless another one is given. */
  readonly judge?: SegmentJudge;
}

/** A batch of a collection whose rows are to be made into files. */
export interface StagedBatchInput {
  readonly cycleId: string;
  /** Position in the manifest. */
  readonly batch: number;
  readonly type: RobotType;
  readonly segments: readonly PlannedSegment[];
  /** Of the whole collection. */
  readonly robots: number;
  readonly transaction: LakeTransaction;
}

/** A decision that stands, and the rows that follow from it as files. */
export interface StagedBatch {
  readonly decision: BatchDecision;
  readonly frames: StagedRows | undefined;
  readonly episodes: StagedRows | undefined;
}

type BatchPorts = IngestPorts & {
  readonly session: SqlSession;
  readonly tombstones: Tombstones;
  /** Erasures that the tables knew before the tombstones were read. */
  readonly marks: Readonly<Record<LakeTable, string>>;
};

/** The decision of an earlier attempt, with the session's tables made to follow it; else a new one, written down. */
export async function stageBatch(
  ports: BatchPorts,
  batch: StagedBatchInput,
  present: readonly PresentSegment[],
): Promise<StagedBatch> {
  const key = decisionKeyOf(batch.cycleId, batch.batch);
  let decision = await readJson(ports.store, key, decisionSchema);
  if (decision === undefined) {
    const own = await decideAnew(ports, batch, present);
    if ((await ports.store.putIfAbsent(key, jsonBytes(own.decision))) === 'created') return own;
    await ports.lake.discardStaged(own.frames);
    await ports.lake.discardStaged(own.episodes);
    decision = await requireJson(ports.store, key, decisionSchema, 'another attempt wrote it a moment ago');
  }
  const nowhere = [...decision.gone, ...(decision.erasedSegments ?? [])];
  const left = new Set([...decision.refusedSegments.map(({ segment }) => segment), ...nowhere]);
  return followed(
    ports,
    batch,
    present,
    present.filter(({ segment }) => !left.has(segment)),
    decision,
  );
}

/** The rows of a decision that stands, from its segments, or from copies of them where they were accepted as such. */
async function followed(
  ports: BatchPorts,
  batch: StagedBatchInput,
  present: readonly PresentSegment[],
  standing: readonly PresentSegment[],
  decision: BatchDecision,
): Promise<StagedBatch> {
  const looking = { ...ports, judge: judgeOf(ports) };
  const rowsOf = async (groups: readonly SegmentGroup[]): Promise<StagedBatch> => {
    // What was erased since the decision was written goes the way of what was erased before.
    const erased = await erasedPlaces(ports.session, ports.tombstones);
    const kept = await withoutErased(looking, batch.type, ports.tombstones, present, decision, erased);
    const excluded = [...kept.refusedEpisodes, ...kept.alreadyStored, ...(kept.erased ?? [])];
    const accepted = await acceptEpisodes(ports.session, batch.type, groups, excluded, kept.youngSplits);
    return staged(ports, batch, { decision: kept, accepted });
  };
  try {
    const groups = groupSegments(standing);
    await indexEpisodes(ports.session, groups);
    return await rowsOf(groups);
  } catch (error) {
    if (!mayBeTheSegments(error)) throw error;
    const { groups, readErrors, longTexts } = await judgeSegments(looking, batch.type, standing, 'careful');
    if (readErrors.size + longTexts.size > 0) throw error;
    return rowsOf(groups);
  }
}

const judgeOf = ({ judge, engine }: BatchPorts): SegmentJudge => judge ?? segmentJudge(engine);

/** Fast; where something fails on the way to the lake's files, once more with every segment looked at by itself. */
async function decideAnew(
  ports: BatchPorts,
  batch: StagedBatchInput,
  present: readonly PresentSegment[],
): Promise<StagedBatch> {
  const isOfFewRobots = batch.robots < manyRobots;
  const way = async (reading: ReadingWay): Promise<StagedBatch> =>
    staged(
      ports,
      batch,
      await decideBatch(
        { ...ports, judge: judgeOf(ports) },
        batch.type,
        batch.segments,
        present,
        reading,
        isOfFewRobots,
        ports.tombstones,
      ),
    );
  try {
    return await way('fast');
  } catch (error) {
    if (!isFailure(error, 'EngineFailed')) throw error;
    return way('careful');
  }
}

async function staged(
  { lake, session, marks }: BatchPorts,
  { transaction }: StagedBatchInput,
  { decision, accepted }: DecidedBatch,
): Promise<StagedBatch> {
  const unstored = await unstoredFrames(lake, session, accepted.frames, transaction.appId);
  const frames = await lake.stage(session, 'frames', unstored, transaction, marks.frames);
  try {
    const episodes = await lake.stage(session, 'episodes', accepted.episodes, transaction, marks.episodes);
    return { decision, frames, episodes };
  } catch (error) {
    await lake.discardStaged(frames);
    throw error;
  }
}
