import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { robotTypeName } from '../../datasets/robot-type.ts';
import { actionTolerance } from '../../policies/agreement.ts';
import type { ChunkPlan } from '../../policies/chunks.ts';
import { exportPolicy } from '../../policies/export-policy.ts';
import type { CameraShape } from '../../policies/images/camera-layers.ts';
import { planCameras, type Augmentation, type ImageSettings } from '../../policies/images/image-settings.ts';
import { mirrorPlan, type MirrorPlan } from '../../policies/mirror.ts';
import { initialParameters, type NetworkShape } from '../../policies/network.ts';
import type { Normalisation } from '../../policies/normalisation.ts';
import { networkShape, policySizes, type PolicySizes } from '../../policies/policy-io.ts';
import { windowedRows } from '../../policies/windows.ts';
import { randomStream } from '../../policies/random.ts';
import { totalRows, type RowSource } from '../../policies/rows.ts';
import type { GraphRuntime } from '../../policies/runtime.ts';
import { resolveSettings, trainingSettingsSchema, type TrainingSettings } from '../../policies/specification.ts';
import { DivergedTraining, trainNetwork, type TrainingLoopResult } from '../../policies/training-loop.ts';
import { warmStart } from '../../policies/warm-start.ts';
import { failure } from '../../store/failures.ts';
import { describeIssues } from '../../domain/describe-issues.ts';
import type { Progress } from '../ports/progress.ts';
import type { Trainer, TrainingJob, TrainingOutcome } from '../ports/trainer.ts';
import { openArrowRows } from './arrow-row-source.ts';
import { measureReadings } from './measure-readings.ts';
import { plannedChunk } from './planned-chunk.ts';

export interface OnnxTrainerPorts {
  readonly runtime: GraphRuntime;
  readonly monotonicMs: () => number;
}

/**
 * The embedded trainer: the training step is an ONNX graph built in policies/ and run by the given runtime. Reads the rows
 * twice: once for their mean and deviation, then epoch after epoch; memory does not depend on the number of rows.
 */
export const onnxTrainer = (ports: OnnxTrainerPorts): Trainer => ({
  async train(job, progress) {
    const settings = trainingSettingsSchema.safeParse(job.settings);
    if (!settings.success) throw failure('InvalidInput', `training settings: ${describeIssues(settings.error)}`);
    const sizes = policySizes(job.robotType);
    if (sizes === undefined)
      throw failure('TrainingImpossible', 'expected a robot type with actions to learn, got one without', {
        coordinates: { robotType: robotTypeName(job.robotType) },
      });
    const { images, mirror } = plannedRows(job, sizes, settings.data);
    const cameras = images.map(({ camera }) => camera);
    const { history = 1, imageHistory = 1 } = job;
    const chunk = plannedChunk(job);
    const train = await openArrowRows(job.trainPath, sizes, cameras, history, imageHistory, chunk?.horizon);
    try {
      const validation = await openArrowRows(job.validationPath, sizes, cameras, history, imageHistory, chunk?.horizon);
      try {
        return await trainOn(
          ports,
          job,
          { settings: settings.data, sizes, images, mirror, chunk },
          windowedRows(train, history),
          windowedRows(validation, history),
          progress,
        );
      } finally {
        await validation.close();
      }
    } finally {
      await train.close();
    }
  },
});

/** Refuses cameras, settings of images and mirroring that cannot be, before anything is read. */
function plannedRows(
  { cameras = [], robotType, imageHistory }: TrainingJob,
  sizes: PolicySizes,
  { images }: TrainingSettings,
): Pick<Plan, 'images' | 'mirror'> {
  try {
    const planned = planCameras(cameras, sizes.cameras ?? [], images, imageHistory);
    const flips = (images?.augmentation?.flip ?? 0) > 0;
    return { images: planned, mirror: flips ? mirrorPlan(robotType, planned) : undefined };
  } catch (error) {
    if (error instanceof RangeError)
      throw failure('InvalidInput', `training with images: ${error.message}`, { cause: error });
    throw error;
  }
}

interface Plan {
  readonly settings: TrainingSettings;
  readonly sizes: PolicySizes;
  readonly images: readonly CameraShape[];
  /** Where rows are mirrored. */
  readonly mirror: MirrorPlan | undefined;
  /** Where several actions are learned at once. */
  readonly chunk: ChunkPlan | undefined;
}

async function trainOn(
  ports: OnnxTrainerPorts,
  job: TrainingJob,
  { settings, sizes, images, mirror, chunk }: Plan,
  train: RowSource,
  validation: RowSource,
  progress: Progress,
): Promise<TrainingOutcome> {
  if (totalRows(train) === 0 || totalRows(validation) === 0)
    throw failure(
      'TrainingImpossible',
      `expected rows to train and to validate on, got ${totalRows(train)} and ${totalRows(validation)}: collect more robot-days or change the split of the robot type`,
      { coordinates: { robotType: robotTypeName(job.robotType) } },
    );
  const { specification, hyperparameters } = resolveSettings(settings, totalRows(train), images.length > 0);
  const shape = networkShape(sizes, specification, images, job.history, chunk);
  const augmentation = settings.images?.augmentation;
  const measured = await measureReadings(job.trainPath, { sizes, mirror }, progress);
  const { label } = measured;
  const observation = repeated(measured.observation, job.history);
  const start = await startingParameters(job, shape, observation, label);
  const result = await runLoop(() =>
    trainNetwork({
      runtime: ports.runtime,
      shape,
      hyperparameters,
      seed: job.seed,
      train,
      validation,
      observation,
      label,
      tolerance: actionTolerance(job.robotType),
      augmentation,
      mirror,
      start: start.parameters,
      untilStep: job.untilStep,
      checkpoints: {
        save: (step, bytes) => job.checkpoints.save(step, bytes),
        latest: async () => {
          const saved = await job.checkpoints.latest();
          return saved === undefined ? undefined : readFile(saved.filePath);
        },
      },
      progress,
      monotonicMs: ports.monotonicMs,
    }),
  );
  const modelPath = join(job.scratchDirectory, 'model.onnx');
  await writeFile(modelPath, exportPolicy({ shape, parameters: result.parameters, observation, label }, job.robotType));
  const best = result.curve.find((point) => point.step === result.bestStep);
  return {
    modelPath,
    steps: result.steps,
    validationLoss: best?.validationLoss ?? Number.NaN,
    validationAgreementFraction: best?.validationAgreementFraction ?? null,
    curve: result.curve,
    settings: {
      ...specification,
      ...hyperparameters,
      ...usedImages(images, mirror === undefined && images.length === 0 ? undefined : augmentation),
    },
    dataWaitFraction: result.dataWaitFraction,
    ...(start.note === undefined ? {} : { warmStart: start.note }),
  };
}

/** The same for each frame of a window. */
function repeated({ mean, scale }: Normalisation, history = 1): Normalisation {
  const often = (values: Float32Array): Float32Array =>
    Float32Array.from({ length: history * values.length }, (_, at) => values[at % values.length] ?? 0);
  return { mean: often(mean), scale: often(scale) };
}

/** As settings of a training that is to be the same; none where nothing is seen or mirrored. */
function usedImages(
  images: readonly CameraShape[],
  augmentation: Augmentation | undefined,
): { readonly images?: ImageSettings } {
  if (images.length === 0 && augmentation === undefined) return {};
  const networks = images.map(({ camera, blocks, planes, features }) => ({
    camera,
    blocks: [...blocks],
    planes,
    features,
  }));
  return {
    images: { ...(networks.length === 0 ? {} : { networks }), ...(augmentation === undefined ? {} : { augmentation }) },
  };
}

async function runLoop(run: () => Promise<TrainingLoopResult>): Promise<TrainingLoopResult> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof DivergedTraining) throw failure('TrainingImpossible', error.message, { cause: error });
    throw error;
  }
}

async function startingParameters(
  job: TrainingJob,
  shape: NetworkShape,
  observation: Normalisation,
  label: Normalisation | undefined,
): Promise<{ parameters: Float32Array; note?: string }> {
  const fresh = initialParameters(shape, randomStream(job.seed, 'initial parameters'));
  if (job.startFromPath === undefined) return { parameters: fresh };
  const start = warmStart({
    model: await readFile(job.startFromPath),
    shape,
    type: job.robotType,
    observation,
    label,
    body: job.startFromBody,
    fresh,
  });
  if (start.kind === 'warm') return { parameters: start.parameters, note: 'warm' };
  return { parameters: fresh, note: `cold: ${start.reason}` };
}
