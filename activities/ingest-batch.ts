import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { RobotType } from '../datasets/robot-type.ts';
import { acceptEpisodes } from './collection/accepted-episodes.ts';
import { addCounts, noCounts } from './collection/count-decision.ts';
import { decideBatch, type DecidedBatch } from './collection/decide-batch.ts';
import {
  batchSchema,
  decisionKeyOf,
  decisionSchema,
  manifestSchema,
  type BatchDecision,
  type PlannedSegment,
} from './collection/documents.ts';
import { indexEpisodes } from './collection/index-episodes.ts';
import { presentSegments, type PresentSegment } from './collection/present-segments.ts';
import { groupSegments } from './collection/segment-files.ts';
import { quarantineRefused } from './collection/quarantine-refused.ts';
import { unstoredFrames } from './collection/unstored-frames.ts';
import { failure } from './failures.ts';
import { inParallel } from './in-parallel.ts';
import { jsonBytes, readJson, requireJson } from './json-objects.ts';
import type { Lake, LakeTransaction } from './lake/lake.ts';
import type { ObjectStore, Progress, SqlEngine, SqlSession } from './ports.ts';
import { readRobotType } from './read-robot-type.ts';

export interface IngestBatchInput {
  readonly cycleId: string;
  readonly manifestKey: string;
  /** Position in the manifest, from 0; batches of a manifest are taken one after the other. */
  readonly batch: number;
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

export interface IngestPorts {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly lake: Lake;
  readonly progress: Progress;
  readonly scratchDirectory: string;
}

const deletesAtOnce = 16;

/**
 * Takes one batch of segments from landing into the lake, the refused into quarantine. Idempotent by (manifest, batch):
 * what is decided is written down first, then the refused are kept, then frames and episodes are committed as one
 * transaction number, then the segments are deleted; a retry goes on behind the last of these that happened.
 */
export const ingestBatch =
  (ports: IngestPorts) =>
  async (input: IngestBatchInput): Promise<IngestBatchResult> => {
    const { store, lake, progress } = ports;
    const segments = await readBatch(store, input);
    const transaction = { appId: `collect/${input.cycleId}`, version: input.batch };
    const last = await lake.transactionVersion('episodes', transaction.appId);
    if (last === undefined || last < input.batch) {
      const type = await readRobotType(store, input.robotType.id, input.robotType.version);
      await withSession(ports, (session, scratchDirectory) =>
        ingest({ ...ports, session, scratchDirectory }, { ...input, type, segments, transaction }),
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
  };

async function readBatch(
  store: ObjectStore,
  { manifestKey, batch }: IngestBatchInput,
): Promise<readonly PlannedSegment[]> {
  const manifest = await requireJson(store, manifestKey, manifestSchema, 'plan the collection first');
  const planned = manifest.batches[batch];
  if (planned !== undefined) {
    return (await requireJson(store, planned.key, batchSchema, 'the manifest names it')).segments;
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
    readonly transaction: LakeTransaction;
  },
): Promise<void> {
  const { lake, session, progress } = ports;
  const present = await presentSegments(ports.store, batch.segments, progress);
  const { decision, accepted } = await decided(ports, batch, present);
  await quarantineRefused(ports, batch.cycleId, present, decision);
  progress({ stage: 'committing', batch: batch.batch });
  const { cycleId, transaction } = batch;
  const frames = await unstoredFrames(lake, session, accepted.frames, transaction.appId);
  await lake.append(session, 'frames', frames, transaction, `collect ${cycleId}`);
  progress({ stage: 'frames committed', batch: batch.batch });
  await lake.append(session, 'episodes', accepted.episodes, transaction, `collect ${cycleId}`);
  progress({ stage: 'episodes committed', batch: batch.batch });
}

/** The decision of an earlier attempt, with the session's tables made to follow it; else a new one, written down. */
async function decided(
  ports: IngestPorts & { readonly session: SqlSession },
  { cycleId, batch, type, segments }: IngestBatchInput & { type: RobotType; segments: readonly PlannedSegment[] },
  present: readonly PresentSegment[],
): Promise<DecidedBatch> {
  const key = decisionKeyOf(cycleId, batch);
  let decision = await readJson(ports.store, key, decisionSchema);
  if (decision === undefined) {
    const own = await decideBatch(ports, type, segments, present);
    if ((await ports.store.putIfAbsent(key, jsonBytes(own.decision))) === 'created') return own;
    decision = await requireJson(ports.store, key, decisionSchema, 'another attempt wrote it a moment ago');
  }
  const left = new Set([...decision.refusedSegments.map(({ segment }) => segment), ...decision.gone]);
  const groups = groupSegments(present.filter(({ segment }) => !left.has(segment)));
  await indexEpisodes(ports.session, groups);
  const excluded = [...decision.refusedEpisodes, ...decision.alreadyStored];
  return { decision, accepted: await acceptEpisodes(ports.session, type, groups, excluded) };
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
