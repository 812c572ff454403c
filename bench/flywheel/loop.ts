import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { clipDecoderProcess } from '../../activities/adapters/clip-decoder-process.ts';
import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { onnxRuntime } from '../../activities/adapters/onnx-runtime.ts';
import { onnxTrainer } from '../../activities/adapters/onnx-trainer.ts';
import { concludeCollection } from '../../activities/collection/conclude-collection.ts';
import { ingestBatch } from '../../activities/collection/ingest-batch.ts';
import { openLake, type Lake } from '../../activities/lake/lake.ts';
import { mixExperience } from '../../activities/mix/mix-experience.ts';
import { planCollection } from '../../activities/collection/plan-collection.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { ClipPorts } from '../../activities/ports/clip-decoder.ts';
import type { SqlEngine } from '../../activities/ports/sql.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { trainModel } from '../../activities/training/train-model.ts';
import type { Trainers } from '../../activities/ports/trainer.ts';
import { clipKey } from '../../datasets/camera.ts';
import { landSegment } from '../../datasets/landing.ts';
import type { SegmentRow } from '../../datasets/segment-row.ts';
import { writeClipUse } from '../../store/records/clip-uses.ts';
import type { EpisodeClip } from './clips.ts';
import type { LoopSettings } from './settings.ts';

/** One robot's rows of one cycle. */
export interface RobotWeek {
  readonly robotId: string;
  readonly rows: readonly SegmentRow[];
  readonly clips: readonly EpisodeClip[];
}

export interface CycleOutcome {
  readonly model: Uint8Array;
  readonly episodesStored: number;
  readonly quarantinedEpisodes: number;
  readonly trainRows: number;
}

/** The project's own cycle, activity after activity, on a store of its own: what the workflow does, without waiting for anything. */
export interface LearningLoop {
  /** Lands, collects, mixes and trains; gives the new policy. */
  cycle(input: {
    readonly name: string;
    readonly weeks: readonly RobotWeek[];
    readonly seed: number;
  }): Promise<CycleOutcome>;
  close(): Promise<void>;
}

interface Ports {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly lake: Lake;
  readonly trainers: Trainers;
  readonly progress: () => void;
  readonly scratchDirectory: string;
  readonly clips: ClipPorts;
}

/** Clips that are decoded at the same time. */
const decodedAtOnce = 2;

export async function openLearningLoop(settings: LoopSettings): Promise<LearningLoop> {
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-loop-'));
  const scratchDirectory = join(directory, 'scratch');
  await mkdir(scratchDirectory, { recursive: true });
  const store = fileObjectStore({ root: join(directory, 'store') });
  const engine = duckDbEngine({ temporaryDirectory: scratchDirectory, threads: 1 });
  const lake = openLake({ store, engine, clock: Date.now, stagingDirectory: scratchDirectory });
  const trainers: Trainers = {
    onnx: onnxTrainer({ runtime: onnxRuntime(), monotonicMs: () => performance.now() }),
    command: () => {
      throw new Error('expected the embedded trainer, got a command');
    },
  };
  const clips = { decoder: clipDecoderProcess({ ffmpeg: undefined }), atOnce: decodedAtOnce };
  const ports: Ports = { store, engine, lake, trainers, progress: () => undefined, scratchDirectory, clips };
  await publishRobotType(store, settings.robotType);
  return {
    cycle: (input) => runCycle(ports, settings, input),
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

async function runCycle(
  ports: Ports,
  settings: LoopSettings,
  { name, weeks, seed }: Parameters<LearningLoop['cycle']>[0],
): Promise<CycleOutcome> {
  const { robotType: type, cameras, hyperparameters } = settings;
  const robotType = { id: type.id, version: type.version };
  for (const { robotId, rows, clips } of weeks) {
    await landSegment(ports, { robotId, type, agentVersion: 'simulator', rows });
    for (const clip of clips) await landClip(ports.store, robotId, clip);
  }
  const seen = cameras.length === 0 ? {} : { cameras: [...cameras] };
  const newSince = await ports.lake.currentVersion();
  const { manifestKey, batches } = await planCollection(ports)({ cycleId: name, robotType });
  for (let batch = 0; batch < batches; batch += 1)
    await ingestBatch(ports)({ cycleId: name, manifestKey, batch, robotType });
  const collected = await concludeCollection(ports)({ cycleId: name, manifestKey, robotType, startedFrom: newSince });
  const { datasetVersion } = collected;
  const mixed = await mixExperience(ports)({ cycleId: name, robotType, datasetVersion, newSince, seed, ...seen });
  const trained = await trainModel(ports)({
    runId: name,
    trainingSetDigest: mixed.digest,
    robotType,
    seed,
    trainer: { kind: 'onnx' },
    hyperparameters: { ...hyperparameters },
    ...seen,
  });
  const model = await ports.store.get(trained.modelKey);
  if (model === undefined) throw new Error(`expected the trained model, got none [key=${trained.modelKey}]`);
  return {
    model,
    episodesStored: collected.episodesStored,
    quarantinedEpisodes: collected.quarantinedEpisodes,
    trainRows: mixed.trainRows,
  };
}

/** As a robot's upload leaves it: whose it is, and the clip. */
async function landClip(
  store: ObjectStore,
  robotId: string,
  { sha256, episodeId, camera, startedAtUs, bytes }: EpisodeClip,
): Promise<void> {
  const receivedAtMs = Math.round(startedAtUs / 1000);
  await writeClipUse(store, { robotId, sha256, episodeId, camera, sizeBytes: bytes.length, startedAtUs, receivedAtMs });
  await store.putIfAbsent(clipKey(sha256), bytes);
}
