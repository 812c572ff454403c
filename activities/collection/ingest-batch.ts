import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { RobotType } from '../../datasets/robot-type.ts';
import { manyRobots } from '../../datasets/split.ts';
import { failure } from '../../store/failures.ts';
import { inParallel } from '../../store/in-parallel.ts';
import { requireJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { SqlSession } from '../ports/sql.ts';
import { unlessConflict } from '../unless-conflict.ts';
import { collectedType } from './collected-type.ts';
import { noteAwaitedClips } from './awaited-clips.ts';
import { addCounts, noCounts } from './count-decision.ts';
import {
  batchSchema,
  decisionKeyOf,
  decisionSchema,
  manifestSchema,
  type BatchDecision,
  type PlannedSegment,
} from './documents.ts';
import { readAllTombstones } from './erased-episodes.ts';
import { presentSegments } from './present-segments.ts';
import { quarantineRefused } from './quarantine-refused.ts';
import { stageBatch, type IngestPorts, type StagedBatchInput } from './stage-batch.ts';
import { troubleNoted } from './trouble.ts';

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

const deletesAtOnce = 16;

/**
 * Takes one batch of segments from landing into the lake, the refused into quarantine. Idempotent by (manifest, batch):
 * rows are made into files, what is decided is written down, then the refused are kept and clips to come noted, then frames and episodes are
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
    // An erasure that came between the rows and their commit: the rows are made again without what it takes.
    await unlessConflict(() =>
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

async function ingest(ports: IngestPorts & { readonly session: SqlSession }, batch: StagedBatchInput): Promise<void> {
  const { lake, progress } = ports;
  const { cycleId, transaction } = batch;
  const present = await presentSegments(ports.store, batch.type, batch.segments, progress);
  // Marks first: an erasure whose tombstone is read too early has its mark later.
  const marks = { frames: await lake.erasures('frames'), episodes: await lake.erasures('episodes') };
  const tombstones = await readAllTombstones(ports.store);
  const { decision, frames, episodes } = await stageBatch({ ...ports, tombstones, marks }, batch, present);
  try {
    await quarantineRefused(ports, cycleId, present, decision);
    await noteAwaitedClips(ports.session, ports.store, batch.type);
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
