import { batchFeeder, type LoadedRows } from './batch-feeder.ts';
import {
  OtherTraining,
  decodeCheckpoint,
  encodeCheckpoint,
  type CurvePoint,
  type TrainingState,
} from './checkpoint.ts';
import { varyRows } from './images/augment.ts';
import { seenChannels } from './images/camera-layers.ts';
import type { Augmentation } from './images/image-settings.ts';
import type { MirrorPlan } from './mirror.ts';
import { networkCost, type NetworkShape } from './network.ts';
import type { Normalisation } from './normalisation.ts';
import { adamStepSize } from './onnx/adam.ts';
import { pictureTensors } from './picture-tensors.ts';
import { totalRows, type RowSource } from './rows.ts';
import { float32Tensor, int32Tensor, type GraphRuntime, type GraphSession, type Tensors } from './runtime.ts';
import { scoreRows } from './scoring.ts';
import type { Hyperparameters } from './specification.ts';
import { buildScoring, buildTrainingSteps, stepInputs, stepOutputs } from './training-graph.ts';

export interface TrainingLoopInput {
  readonly runtime: GraphRuntime;
  readonly shape: NetworkShape;
  readonly hyperparameters: Hyperparameters;
  readonly seed: number;
  readonly train: RowSource;
  readonly validation: RowSource;
  readonly observation: Normalisation;
  readonly label?: Normalisation | undefined;
  /** For continuous actions, see scoring. */
  readonly tolerance?: Float32Array | undefined;
  /** Parameters at step 0. */
  readonly start: Float32Array;
  readonly checkpoints: {
    save(step: number, bytes: Uint8Array): Promise<void>;
    latest(): Promise<Uint8Array | undefined>;
  };
  /** Called after every few steps; may throw to stop. */
  readonly progress: (details: Readonly<Record<string, number>>) => void;
  readonly monotonicMs: () => number;
  /** How rows are varied, anew in every pass. */
  readonly augmentation?: Augmentation | undefined;
  /** How rows read in a mirror; needed where the augmentation mirrors them. */
  readonly mirror?: MirrorPlan | undefined;
  /** Stops at the first measurement at or after this step, with a checkpoint of it; by default it trains to its end. */
  readonly untilStep?: number | undefined;
  /** Rows shuffled together; by default as many as take 16 MiB. */
  readonly groupRows?: number;
}

export interface TrainingLoopResult {
  /** Parameters at the best validation loss. */
  readonly parameters: Float32Array;
  readonly curve: readonly CurvePoint[];
  readonly steps: number;
  readonly bestStep: number;
  /** Share of this process's training time spent waiting for rows and copying them. */
  readonly dataWaitFraction: number;
}

/** The loss became NaN or infinite: trying again would end the same way. */
export class DivergedTraining extends Error {}

/** Steps that run without coming back here, at most, and the work (multiplications × rows) after which they do: a fraction of a second. */
const maxStepsAtOnce = 32;
const maxWorkAtOnce = 2e9;
/** Memory of the rows that are shuffled together; two or three such groups are held. */
const groupBytes = 16 * 1024 * 1024;
export const groupRowsOf = ({ observationSize, actionSize, chunk, images = [] }: NetworkShape): number => {
  const pictureBytes = images.reduce((sum, shape) => sum + shape.height * shape.width * seenChannels(shape), 0);
  return Math.ceil(groupBytes / (4 * (observationSize + actionSize + 1 + (chunk?.horizon ?? 1)) + pictureBytes));
};

/**
 * Trains until the steps are used up or validation loss has not improved for `patienceEvaluations` measurements, and
 * gives back the best parameters. State after step k is a pure function of the input and k, whether the steps ran in one
 * process or were continued from a checkpoint. Weights of the best measurement are kept, ties keep the earlier one; a loss that
 * is not finite ends the training with an error.
 */
export async function trainNetwork(input: TrainingLoopInput): Promise<TrainingLoopResult> {
  const { runtime, hyperparameters } = input;
  const identity = identityOf(input);
  const state = savedState(await input.checkpoints.latest(), identity) ?? freshState(input.start);
  const stepSession = await runtime.open(buildTrainingSteps(input));
  const scoring = await runtime.open(buildScoring(input));
  try {
    const stepper = createStepper(input, stepSession, state);
    while (!isFinished(state, hyperparameters) && !isReached(state, input.untilStep)) {
      await stepper.advance();
      input.progress({ step: state.step, maxSteps: hyperparameters.maxSteps });
      if (state.step % hyperparameters.evaluateEverySteps === 0 || state.step === hyperparameters.maxSteps)
        await measure(input, scoring, state);
      if (state.step % hyperparameters.checkpointEverySteps === 0)
        await input.checkpoints.save(state.step, encodeCheckpoint(state, identity));
    }
    // From here it goes on, if at all.
    if (input.untilStep !== undefined) await input.checkpoints.save(state.step, encodeCheckpoint(state, identity));
    const { bestParameters: parameters, curve, step: steps, bestStep } = state;
    return { parameters, curve, steps, bestStep, dataWaitFraction: stepper.dataWaitFraction() };
  } finally {
    await Promise.all([stepSession.close(), scoring.close()]);
  }
}

/** Undefined as well for one of other settings, such as the defaults of the build that this worker has replaced: that one begins again. */
function savedState(saved: Uint8Array | undefined, identity: string): TrainingState | undefined {
  if (saved === undefined) return undefined;
  try {
    return decodeCheckpoint(saved, identity);
  } catch (error) {
    if (error instanceof OtherTraining) return undefined;
    throw error;
  }
}

const identityOf = (input: TrainingLoopInput): string => {
  const { shape, hyperparameters, seed, train, validation, augmentation } = input;
  const rows = { trainRows: totalRows(train), validationRows: totalRows(validation) };
  return JSON.stringify({ shape, hyperparameters, seed, ...rows, augmentation });
};

const freshState = (start: Float32Array): TrainingState => ({
  step: 0,
  lossSum: 0,
  lossSteps: 0,
  bestStep: 0,
  curve: [],
  parameters: start.slice(),
  firstMoment: new Float32Array(start.length),
  secondMoment: new Float32Array(start.length),
  bestParameters: start.slice(),
});

const isFinished = (state: TrainingState, { maxSteps, patienceEvaluations }: Hyperparameters): boolean =>
  state.step >= maxSteps || state.curve.filter((point) => point.step > state.bestStep).length >= patienceEvaluations;

const isReached = ({ curve }: TrainingState, untilStep: number | undefined): boolean =>
  untilStep !== undefined && (curve.at(-1)?.step ?? 0) >= untilStep;

/** Learning rate at a step (0-based): half a cosine from the full rate to zero (Loshchilov, Hutter 2017, eq. 5, without restarts). */
export const learningRateAt = ({ learningRate, maxSteps }: Hyperparameters, step: number): number =>
  (learningRate * (1 + Math.cos((Math.PI * step) / maxSteps))) / 2;

/** How many steps to run at once from `step` on: up to the next measurement or checkpoint, so that these see exactly their step. */
export function stepsAtOnce(step: number, hyperparameters: Hyperparameters, workARow: number): number {
  const { maxSteps, evaluateEverySteps, checkpointEverySteps, batchSize } = hyperparameters;
  const byWork = Math.max(1, Math.min(maxStepsAtOnce, Math.floor(maxWorkAtOnce / (workARow * batchSize))));
  const untilNext = [evaluateEverySteps, checkpointEverySteps].map((every) => every - (step % every));
  return Math.min(byWork, maxSteps - step, ...untilNext);
}

/** Multiplications of one answer; of dense layers each parameter is one, biases included. */
function workOfRow(shape: NetworkShape): number {
  const { parameters, multiplyAccumulates } = networkCost(shape);
  return Math.max(parameters, multiplyAccumulates);
}

function createStepper(input: TrainingLoopInput, session: GraphSession, state: TrainingState) {
  const { hyperparameters, monotonicMs, augmentation, mirror } = input;
  const { batchSize } = hyperparameters;
  const { images = [] } = input.shape;
  const rowsAStep = Math.min(batchSize, totalRows(input.train));
  const feeder = batchFeeder({
    ...input,
    source: input.train,
    batchSize,
    groupRows: input.groupRows ?? groupRowsOf(input.shape),
    vary: augmentation && ((block, random) => varyRows(block, images, augmentation, mirror, random)),
  });
  const workARow = workOfRow(input.shape);
  let [waitedMs, workedMs] = [0, 0];
  return {
    async advance() {
      const startedMs = monotonicMs();
      const wanted = stepsAtOnce(state.step, hyperparameters, workARow);
      const { rows, index, steps } = await pickSteps(feeder, state.step, wanted, rowsAStep);
      const rates = Float64Array.from({ length: steps }, (_, turn) =>
        learningRateAt(hyperparameters, state.step + turn),
      );
      const readyMs = monotonicMs();
      const results = await session.run({
        ...rowTensors(input.shape, rows),
        ...pictureTensors(input.shape, rows.block),
        [stepInputs.steps]: { type: 'int64', data: BigInt64Array.of(BigInt(steps)), shape: [] },
        [stepInputs.index]: int32Tensor(index, [steps, rowsAStep]),
        [stepInputs.stepSize]: float32Tensor(
          Float32Array.from(rates, (rate, turn) => adamStepSize(rate, state.step + turn + 1)),
          [steps],
        ),
        [stepInputs.shrinkage]: float32Tensor(
          Float32Array.from(rates, (rate) => 1 - rate * hyperparameters.weightDecay),
          [steps],
        ),
        ...stateTensors(state),
      });
      takeResults(state, results, steps);
      waitedMs += readyMs - startedMs;
      workedMs += monotonicMs() - startedMs;
    },
    dataWaitFraction: () => (workedMs === 0 ? 0 : waitedMs / workedMs),
  };
}

/** The rows of up to `wanted` steps, as far as they lie in one group. */
async function pickSteps(
  feeder: ReturnType<typeof batchFeeder>,
  step: number,
  wanted: number,
  rowsAStep: number,
): Promise<{ rows: LoadedRows; index: Int32Array; steps: number }> {
  const { rows, index: first } = await feeder.pick(step);
  const index = new Int32Array(wanted * rowsAStep);
  index.set(first);
  let steps = 1;
  while (steps < wanted) {
    const next = await feeder.pick(step + steps);
    if (next.rows !== rows) break;
    index.set(next.index, steps * rowsAStep);
    steps += 1;
  }
  return { rows, index: index.subarray(0, steps * rowsAStep), steps };
}

function takeResults(state: TrainingState, results: Tensors, steps: number): void {
  const vector = (name: string): Float32Array => {
    const data = results[name]?.data;
    if (data instanceof Float32Array) return data;
    throw new Error(`expected the training graph to give ${name}, got ${Object.keys(results).join(', ')}`);
  };
  state.parameters = vector(stepOutputs.parameters);
  state.firstMoment = vector(stepOutputs.firstMoment);
  state.secondMoment = vector(stepOutputs.secondMoment);
  for (const loss of vector(stepOutputs.loss)) state.lossSum += loss;
  state.lossSteps += steps;
  state.step += steps;
}

const stateTensors = ({ parameters, firstMoment, secondMoment }: TrainingState): Tensors => ({
  [stepInputs.parameters]: float32Tensor(parameters, [parameters.length]),
  [stepInputs.firstMoment]: float32Tensor(firstMoment, [firstMoment.length]),
  [stepInputs.secondMoment]: float32Tensor(secondMoment, [secondMoment.length]),
});

const rowTensors = (shape: NetworkShape, { block }: LoadedRows): Tensors => ({
  [stepInputs.observation]: float32Tensor(block.observation, [block.rows, shape.observationSize]),
  [stepInputs.task]: int32Tensor(block.task, [block.rows]),
  [stepInputs.label]:
    block.label instanceof Float32Array
      ? float32Tensor(block.label, [block.rows, shape.actionSize])
      : int32Tensor(block.label, [block.rows, ...stepsOf(shape)]),
  [stepInputs.weight]: float32Tensor(block.weight, [block.rows, ...stepsOf(shape)]),
});

const stepsOf = ({ chunk }: NetworkShape): readonly number[] => (chunk === undefined ? [] : [chunk.horizon]);

async function measure(input: TrainingLoopInput, session: GraphSession, state: TrainingState): Promise<void> {
  const score = await scoreRows({ ...input, session, source: input.validation, parameters: state.parameters });
  const trainLoss = state.lossSum / state.lossSteps;
  if (!Number.isFinite(trainLoss) || !Number.isFinite(score.loss))
    throw new DivergedTraining(
      `expected finite losses at step ${state.step}, got train ${trainLoss}, validation ${score.loss}: try a smaller learning rate`,
    );
  const best = state.curve.find((point) => point.step === state.bestStep);
  state.curve.push({
    step: state.step,
    trainLoss,
    validationLoss: score.loss,
    validationAgreementFraction: score.agreementFraction,
  });
  [state.lossSum, state.lossSteps] = [0, 0];
  if (best !== undefined && score.loss >= best.validationLoss) return;
  state.bestStep = state.step;
  state.bestParameters = state.parameters.slice();
}
