import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { LakeTable } from '../../datasets/dataset-version.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { manyRobots } from '../../datasets/split.ts';
import { acceptEpisodes } from './accepted-episodes.ts';
import { addCounts, noCounts } from './count-decision.ts';
import { decideBatch, type DecidedBatch } from './decide-batch.ts';
import {
  batchSchema,
  decisionKeyOf,
  decisionSchema,
  manifestSchema,
  type BatchDecision,
  type PlannedSegment,
} from './documents.ts';
import { indexEpisodes } from './index-episodes.ts';
import type { ReadingWay } from './judge-episodes.ts';
import { judgeSegments, mayBeTheSegments } from './judge-segments.ts';
import { presentSegments, type PresentSegment } from './present-segments.ts';
import { groupSegments, type SegmentGroup } from './segment-files.ts';
import { quarantineRefused } from './quarantine-refused.ts';
import { segmentJudge, type SegmentJudge } from './segment-judge.ts';
import { troubleNoted, type Attempted } from './trouble.ts';
import { unstoredFrames } from './unstored-frames.ts';
import { failure, isFailure } from '../../store/failures.ts';
import { inParallel } from '../../store/in-parallel.ts';
import { jsonBytes, readJson, requireJson } from '../../store/json-objects.ts';
import type { Lake, LakeTransaction, StagedRows } from '../lake/lake.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { erasedPlaces, readAllTombstones, type Tombstones } from './erased-episodes.ts';
import { unlessErased, withoutErased } from './erased-segments.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlEngine, SqlSession } from '../ports/sql.ts';
import { collectedType } from './collected-type.ts';

export interface IngestBatchInput {
  readonly cycleId: string;
  readonly manifestKey: string;
  /** Position in the manifest, from 0; batches of a manifest are taken one after the other. */
  readonly batch: number;
  /** The collection's; the manifest says of a batch that is of another version of it. */
  readonly robotType: Pick<RobotType, 'id' | 'version'>;
}

export interface IngestBatchResult {
  readonly episodesStored: number;
  readonly framesStored: number;
  readonly failuresStored: number;
  readonly alreadyStored: number;
  readonly quarantinedEpisodes: number;
  readonly quarantinedSegments: number;
}

export interface IngestPorts extends Attempted {
  readonly engine: SqlEngine;
  readonly lake: Lake;
  readonly progress: Progress;
  readonly scratchDirectory: string;
  /** Reads foreign bytes; in this process unless another one is given. */
  readonly judge?: SegmentJudge;
}

const deletesAtOnce = 16;

/**
 * Takes one batch of segments from landing into the lake, the refused into quarantine. Idempotent by (manifest, batch):
 * rows are made into files, what is decided is written down, then the refused are kept, then frames and episodes are
 * committed as one transaction number, then the segments are deleted; a retry goes on behind the last of these that
 * happened. Nothing is written down before all of it could be read, so that no file can stop what follows.
 */
export const ingestBatch =
  (ports: IngestPorts) =>
  (input: IngestBatchInput): Promise<IngestBatchResult> =>
    troubleNoted(ports, { ...input, step: `batch ${input.batch + 1}` }, () => ingestOnce(ports, input));

async function ingestOnce(ports: IngestPorts, input: IngestBatchInput): Promise<IngestBatchResult> {
  const { store, lake, progress } = ports;
  const { segments, robots, robotType } = await readBatch(store, input);
  const transaction = { appId: `collect/${input.cycleId}`, version: input.batch };
  const last = await lake.transactionVersion('episodes', transaction.appId);
  if (last === undefined || last < input.batch) {
    const type = await collectedType(store, robotType);
    await unlessErased(() =>
      withSession(ports, (session, scratchDirectory) =>
        ingest({ ...ports, session, scratchDirectory }, { ...input, type, segments, robots, transaction }),
      ),
    );
  }
  const decision = await requireJson(
    store,
    decisionKeyOf(input.cycleId, input.batch),
    decisionSchema,
    'a batch that is committed has its decision written down',
  );
  await inParallel(segments, deletesAtOnce, ({ key }) => store.delete(key));
  progress({ stage: 'segments deleted', batch: input.batch, segments: segments.length });
  return totalsOf(decision);
}

async function readBatch(
  store: ObjectStore,
  { manifestKey, batch, robotType: own }: IngestBatchInput,
): Promise<{
  readonly segments: readonly PlannedSegment[];
  readonly robots: number;
  readonly robotType: IngestBatchInput['robotType'];
}> {
  const manifest = await requireJson(store, manifestKey, manifestSchema, 'plan the collection first');
  const planned = manifest.batches[batch];
  if (planned !== undefined) {
    const { segments } = await requireJson(store, planned.key, batchSchema, 'the manifest names it');
    const version = planned.robotType === undefined ? own.version : Number(planned.robotType.split('@')[1]);
    return { segments, robots: manifest.robots ?? manyRobots, robotType: { id: own.id, version } };
  }
  throw failure('InvalidInput', `expected a batch from 0 to ${manifest.batches.length - 1}, got ${batch}`, {
    coordinates: { manifestKey },
  });
}

async function withSession(
  ports: IngestPorts,
  work: (session: SqlSession, scratchDirectory: string) => Promise<void>,
): Promise<void> {
  const scratchDirectory = await mkdtemp(join(ports.scratchDirectory, 'ingest-'));
  const session = await ports.engine.open();
  try {
    await work(session, scratchDirectory);
  } finally {
    await session.close();
    await rm(scratchDirectory, { recursive: true, force: true });
  }
}

async function ingest(
  ports: IngestPorts & { readonly session: SqlSession },
  batch: IngestBatchInput & {
    readonly type: RobotType;
    readonly segments: readonly PlannedSegment[];
    /** Of the whole collection. */
    readonly robots: number;
    readonly transaction: LakeTransaction;
  },
): Promise<void> {
  const { lake, progress } = ports;
  const { cycleId, transaction } = batch;
  const present = await presentSegments(ports.store, batch.type, batch.segments, progress);
  // Marks first: an erasure whose tombstone is read too early has its mark later.
  const marks = { frames: await lake.erasures('frames'), episodes: await lake.erasures('episodes') };
  const tombstones = await readAllTombstones(ports.store);
  const { decision, frames, episodes } = await decided({ ...ports, tombstones, marks }, batch, present);
  try {
    await quarantineRefused(ports, cycleId, present, decision);
    progress({ stage: 'committing', batch: batch.batch });
    await lake.commitStaged('frames', frames, transaction, `collect ${cycleId}`);
    progress({ stage: 'frames committed', batch: batch.batch });
    await lake.commitStaged('episodes', episodes, transaction, `collect ${cycleId}`);
    progress({ stage: 'episodes committed', batch: batch.batch });
  } finally {
    await lake.discardStaged(frames);
    await lake.discardStaged(episodes);
  }
}

/** A decision that stands, and the rows that follow from it as files. */
interface StagedBatch {
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
type Batch = Parameters<typeof ingest>[1];

/** The decision of an earlier attempt, with the session's tables made to follow it; else a new one, written down. */
async function decided(ports: BatchPorts, batch: Batch, present: readonly PresentSegment[]): Promise<StagedBatch> {
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
  batch: Batch,
  present: readonly PresentSegment[],
  standing: readonly PresentSegment[],
  decision: BatchDecision,
): Promise<StagedBatch> {
  const looking = { ...ports, judge: judgeOf(ports) };
  const rowsOf = async (groups: readonly SegmentGroup[]): Promise<StagedBatch> => {
    // What was erased since the decision was written goes the way of what was erased before.
    const erased = await erasedPlaces(ports.session, ports.tombstones);
    const kept = await withoutErased(looking, batch.type, ports.tombstones, present, decision, erased);
    const excluded = [...kept.refusedEpisodes, ...kept.alreadyStored, ...(kept.erased ?? []), ...erased];
    const accepted = await acceptEpisodes(ports.session, batch.type, groups, excluded, kept.youngSplits);
    return staged(ports, batch, { decision: kept, accepted });
  };
  try {
    const groups = groupSegments(standing);
    await indexEpisodes(ports.session, groups);
    return await rowsOf(groups);
  } catch (error) {
    if (!mayBeTheSegments(error)) throw error;
    const { groups, readErrors } = await judgeSegments(looking, batch.type, standing, 'careful');
    if (readErrors.size > 0) throw error;
    return rowsOf(groups);
  }
}

const judgeOf = ({ judge, engine }: BatchPorts): SegmentJudge => judge ?? segmentJudge(engine);

/** Fast; where something fails on the way to the lake's files, once more with every segment looked at by itself. */
async function decideAnew(ports: BatchPorts, batch: Batch, present: readonly PresentSegment[]): Promise<StagedBatch> {
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
  { transaction }: Batch,
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

function totalsOf({ robots, refusedSegments }: BatchDecision): IngestBatchResult {
  const total = Object.values(robots).reduce(addCounts, noCounts);
  return {
    episodesStored: total.episodesStored,
    framesStored: total.framesStored,
    failuresStored: total.failuresStored,
    alreadyStored: total.episodesAlreadyStored,
    quarantinedEpisodes: total.episodesRefused,
    quarantinedSegments: refusedSegments.length,
  };
}
