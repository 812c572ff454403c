import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { canonicalJson } from '../../domain/canonical-json.ts';
import { learnedCamerasSchema } from '../../datasets/camera.ts';
import { trainingSetFile } from '../../datasets/training-set.ts';
import { executeSchema, horizonSchema } from '../../policies/chunks.ts';
import { curvePointSchema } from '../../policies/checkpoint.ts';
import { modelFile } from '../../policies/model-manifest.ts';
import { trainingSettingsSchema } from '../../policies/specification.ts';
import { imageHistorySchema } from '../../policies/image-windows.ts';
import { historySchema } from '../../policies/windows.ts';
import { failure } from '../../store/failures.ts';
import { describeIssues } from '../../domain/describe-issues.ts';
import { jsonBytes, readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Progress } from '../ports/progress.ts';
import { readVersionBody } from '../../store/records/version-body.ts';
import { readTaughtType, robotTypeReferenceSchema } from '../../store/records/robot-types.ts';
import { readTrainingSet, setFilePath } from '../mix/read-sets.ts';
import type { Trainer, Trainers, TrainingJob, TrainingOutcome } from '../ports/trainer.ts';
import { sha256Of, storedCheckpoints, trainingRunFile } from './training-run.ts';

const inputSchema = z.strictObject({
  /** Names the training; a second call with the same id goes on or returns what is there. */
  runId: z.string().regex(/^[\w.-]{1,200}$/),
  trainingSetDigest: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits'),
  robotType: robotTypeReferenceSchema,
  /** In the trainer's own words; what is missing takes its defaults. Those of the embedded trainer are checked before anything is read. */
  hyperparameters: z.record(z.string(), z.unknown()).default({}),
  seed: z.int().min(0),
  /** Cameras whose images it learns from; the set was made with them. */
  cameras: learnedCamerasSchema.optional(),
  /** Frames that it reads at once, the present included; the set was made with them. */
  history: historySchema.optional(),
  /** Actions that it learns at once, the present one included; the set was made with them. */
  horizon: horizonSchema.optional(),
  /** How many of them the model answers and robots execute; default: all. */
  execute: executeSchema.optional(),
  /** Images of each camera that it sees at once, that of the present frame included; the set was made with them. */
  imageHistory: imageHistorySchema.optional(),
  trainer: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('onnx') }),
    z.strictObject({ kind: z.literal('command'), command: z.array(z.string().min(1)).min(1).readonly() }),
  ]),
  /** Champion whose weights to start from, where the architecture allows it. */
  startFromVersion: z.strictObject({ policy: z.string(), version: z.string() }).optional(),
});

/** What `metrics.json` of a finished training says; it is written last, so its presence means finished. */
export const trainingMetricsSchema = z.strictObject({
  modelSha256: z.string(),
  steps: z.int(),
  validationLoss: z.number(),
  validationAgreementFraction: z.number().nullable(),
  hyperparameters: z.record(z.string(), z.unknown()),
  curve: z.array(curvePointSchema),
  warmStart: z.string().nullable(),
  dataWaitFraction: z.number().nullable(),
});
export type TrainingMetrics = z.infer<typeof trainingMetricsSchema>;

export type TrainModelInput = z.input<typeof inputSchema>;

export interface TrainModelResult {
  readonly modelKey: string;
  readonly modelSha256: string;
  readonly metricsKey: string;
  readonly validationLoss: number;
  readonly steps: number;
  /** Everything that shaped the model, defaults included. */
  readonly hyperparameters: Readonly<Record<string, unknown>>;
}

export interface TrainModelPorts {
  readonly store: ObjectStore;
  readonly trainers: Trainers;
  readonly progress: Progress;
  /** Local folder for files of trainings that run. */
  readonly scratchDirectory: string;
}

/**
 * Trains a model on a stored training set. Idempotent by `runId`: a finished training is returned, an interrupted one goes on
 * from its last checkpoint; another job under the same id is refused with `Conflict`.
 */
export const trainModel =
  (ports: TrainModelPorts) =>
  async (input: TrainModelInput): Promise<TrainModelResult> => {
    const request = parseTraining('trainModel', input);
    const { runId } = request;
    await claimRun(ports.store, request);
    const metricsKey = trainingRunFile(runId, 'metrics.json');
    const finished = await readJson(ports.store, metricsKey, trainingMetricsSchema);
    const metrics = finished ?? (await run(ports, request));
    if (finished === undefined) await ports.store.put(metricsKey, jsonBytes(metrics));
    await storedCheckpoints(ports.store, runId).deleteAll();
    const { modelSha256, validationLoss, steps, hyperparameters } = metrics;
    return {
      modelKey: trainingRunFile(runId, 'model.onnx'),
      modelSha256,
      metricsKey,
      validationLoss,
      steps,
      hyperparameters,
    };
  };

export type TrainingRequest = z.output<typeof inputSchema>;

/** Fails with `InvalidInput`, before anything is read or written. */
export function parseTraining(activity: string, input: unknown): TrainingRequest {
  const parsed = inputSchema.safeParse(input);
  if (!parsed.success) throw failure('InvalidInput', `${activity}: ${describeIssues(parsed.error)}`);
  const settings = trainingSettingsSchema.safeParse(parsed.data.hyperparameters);
  if (parsed.data.trainer.kind === 'onnx' && !settings.success)
    throw failure('InvalidInput', `hyperparameters: ${describeIssues(settings.error)}`);
  return parsed.data;
}

/** Binds the id to this job for ever: checkpoints of one job must not be continued by another. */
export async function claimRun(store: ObjectStore, request: TrainingRequest): Promise<void> {
  const key = trainingRunFile(request.runId, 'job.json');
  if ((await store.putIfAbsent(key, jsonBytes(request))) === 'created') return;
  const stored = await readJson(store, key, z.unknown());
  if (canonicalJson(stored) !== canonicalJson(request))
    throw failure('Conflict', `expected run ${request.runId} to be this training, got another one of the same name`, {
      coordinates: { key },
    });
}

const run = (ports: TrainModelPorts, request: TrainingRequest): Promise<TrainingMetrics> =>
  inScratch(ports, request.runId, async (scratchDirectory) => {
    const job = await jobOf(ports, request, scratchDirectory);
    const outcome = await trainerOf(ports, request).train(job, counted(ports.progress));
    const modelSha256 = await sha256Of({ filePath: outcome.modelPath });
    await ports.store.put(trainingRunFile(request.runId, 'model.onnx'), { filePath: outcome.modelPath });
    return metricsOf(outcome, modelSha256);
  });

/** Trains on to a step, from what is saved, and leaves a checkpoint there; the model is not kept. */
export const trainUntil = (
  ports: TrainModelPorts,
  request: TrainingRequest,
  untilStep: number,
): Promise<TrainingMetrics> =>
  inScratch(ports, request.runId, async (scratchDirectory) => {
    const job = await jobOf(ports, request, scratchDirectory);
    const progress = counted(ports.progress, { untilStep });
    const outcome = await trainerOf(ports, request).train({ ...job, untilStep }, progress);
    return metricsOf(outcome, await sha256Of({ filePath: outcome.modelPath }));
  });

/** Says with each step also from which step this attempt went on, so that people see how fast it is. */
function counted(progress: Progress, more: { readonly untilStep?: number } = {}): Progress {
  let fromStep: unknown;
  return (details) => {
    fromStep ??= details['step'];
    progress({ ...details, ...more, ...(fromStep === undefined ? {} : { fromStep }) });
  };
}

const metricsOf = (outcome: TrainingOutcome, modelSha256: string): TrainingMetrics => ({
  modelSha256,
  steps: outcome.steps,
  validationLoss: outcome.validationLoss,
  validationAgreementFraction: outcome.validationAgreementFraction,
  hyperparameters: outcome.settings,
  curve: [...outcome.curve],
  warmStart: outcome.warmStart ?? null,
  dataWaitFraction: outcome.dataWaitFraction ?? null,
});

/** Trains by a stored job once more, from the beginning, and keeps nothing but the facts. */
export async function trainAgain(ports: TrainModelPorts, stored: unknown): Promise<{ readonly modelSha256: string }> {
  const parsed = inputSchema.safeParse(stored);
  if (!parsed.success) throw failure('InvalidInput', `training: ${describeIssues(parsed.error)}`);
  return inScratch(ports, `again-${parsed.data.runId}`, async (scratchDirectory) => {
    const job = await jobOf(ports, parsed.data, scratchDirectory);
    const checkpoints = { save: async () => undefined, latest: async () => undefined };
    const { modelPath } = await trainerOf(ports, parsed.data).train({ ...job, checkpoints }, ports.progress);
    return { modelSha256: await sha256Of({ filePath: modelPath }) };
  });
}

const trainerOf = ({ trainers }: TrainModelPorts, { trainer }: TrainingRequest): Trainer =>
  trainer.kind === 'onnx' ? trainers.onnx : trainers.command(trainer.command);

async function inScratch<T>(ports: TrainModelPorts, name: string, work: (directory: string) => Promise<T>): Promise<T> {
  const directory = join(ports.scratchDirectory, `train-${name}`);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function jobOf(ports: TrainModelPorts, request: TrainingRequest, scratchDirectory: string): Promise<TrainingJob> {
  const { store } = ports;
  const robotType = await readTaughtType(store, request.robotType);
  const manifest = await readTrainingSet(store, request.trainingSetDigest, robotType);
  const start = request.startFromVersion;
  const [trainPath, validationPath, startFromPath] = [
    await setFilePath(store, trainingSetFile(request.trainingSetDigest, 'train.arrow'), manifest),
    await setFilePath(store, trainingSetFile(request.trainingSetDigest, 'validation.arrow'), manifest),
    start === undefined ? undefined : await requireLocal(store, modelFile(start.policy, start.version, 'model.onnx')),
  ];
  const body = start && (await readVersionBody(store, robotType, start.policy, start.version));
  return {
    trainPath,
    validationPath,
    trainRows: manifest.files['train.arrow']?.rows ?? 0,
    validationRows: manifest.files['validation.arrow']?.rows ?? 0,
    robotType,
    settings: request.hyperparameters,
    seed: request.seed,
    ...(request.cameras === undefined ? {} : { cameras: request.cameras }),
    ...(request.history === undefined ? {} : { history: request.history }),
    ...(request.horizon === undefined ? {} : { horizon: request.horizon }),
    ...(request.execute === undefined ? {} : { execute: request.execute }),
    ...(request.imageHistory === undefined ? {} : { imageHistory: request.imageHistory }),
    checkpoints: storedCheckpoints(store, request.runId),
    scratchDirectory,
    ...(startFromPath === undefined ? {} : { startFromPath }),
    // What cannot be read for this body starts cold, with its own reason.
    ...(typeof body === 'object' ? { startFromBody: body } : {}),
  };
}

async function requireLocal(store: ObjectStore, key: string): Promise<string> {
  const path = await store.localPath(key);
  if (path !== undefined) return path;
  throw failure('NotFound', 'expected the model to start from, got none', {
    coordinates: { key },
  });
}
