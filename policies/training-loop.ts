import { batchFeeder, type LoadedRows } from './batch-feeder.ts';
import { decodeCheckpoint, encodeCheckpoint, type CurvePoint, type TrainingState } from './checkpoint.ts';
import type { NetworkShape } from './network.ts';
import type { Normalisation } from './normalisation.ts';
import { adamStepSize } from './onnx/adam.ts';
import { totalRows, type RowSource } from './rows.ts';
import { float32Tensor, int32Tensor, type GraphRuntime, type GraphSession, type Tensors } from './runtime.ts';
import { scoreRows } from './scoring.ts';
import type { Hyperparameters } from './specification.ts';
import { buildScoring, buildTrainingStep, stepInputs, stepOutputs } from './training-graph.ts';

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
  /** Rows shuffled together; the memory of reading is twice this. */
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

const stepsBetweenProgress = 20;
const defaultGroupRows = 131_072;

/**
 * Trains until the steps are used up or validation loss has not improved for `patienceEvaluations` measurements, and
 * gives back the best parameters. State after step k is a pure function of the input and k, whether the steps ran in one
 * process or were continued from a checkpoint. Weights of the best measurement are kept, ties keep the earlier one; a loss that
 * is not finite ends the training with an error.
 */
export async function trainNetwork(input: TrainingLoopInput): Promise<TrainingLoopResult> {
  const { runtime, hyperparameters } = input;
  const identity = identityOf(input);
  const saved = await input.checkpoints.latest();
  const state = saved === undefined ? freshState(input.start) : decodeCheckpoint(saved, identity);
  const stepSession = await runtime.open(buildTrainingStep(input));
  const scoring = await runtime.open(buildScoring(input));
  try {
    const stepper = createStepper(input, stepSession, state);
    while (!isFinished(state, hyperparameters)) {
      await stepper.advance();
      if (state.step % stepsBetweenProgress === 0)
        input.progress({ step: state.step, maxSteps: hyperparameters.maxSteps });
      if (state.step % hyperparameters.evaluateEverySteps === 0 || state.step === hyperparameters.maxSteps)
        await measure(input, scoring, state);
      if (state.step % hyperparameters.checkpointEverySteps === 0)
        await input.checkpoints.save(state.step, encodeCheckpoint(state, identity));
    }
    const { bestParameters: parameters, curve, step: steps, bestStep } = state;
    return { parameters, curve, steps, bestStep, dataWaitFraction: stepper.dataWaitFraction() };
  } finally {
    await Promise.all([stepSession.close(), scoring.close()]);
  }
}

const identityOf = ({ shape, hyperparameters, seed, train, validation }: TrainingLoopInput): string =>
  JSON.stringify({ shape, hyperparameters, seed, trainRows: totalRows(train), validationRows: totalRows(validation) });

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

/** Learning rate at a step (0-based): half a cosine from the full rate to zero (Loshchilov, Hutter 2017, eq. 5, without restarts). */
export const learningRateAt = ({ learningRate, maxSteps }: Hyperparameters, step: number): number =>
  (learningRate * (1 + Math.cos((Math.PI * step) / maxSteps))) / 2;

/** Runs steps on two copies of the state in turn: one is read while the other is written, and nothing is allocated. */
function createStepper(input: TrainingLoopInput, session: GraphSession, state: TrainingState) {
  const { shape, hyperparameters, monotonicMs } = input;
  const { batchSize } = hyperparameters;
  const feeder = batchFeeder({
    ...input,
    source: input.train,
    batchSize,
    groupRows: input.groupRows ?? defaultGroupRows,
  });
  const index = new Int32Array(Math.min(batchSize, totalRows(input.train)));
  const scalars = { stepSize: new Float32Array(1), shrinkage: new Float32Array(1), loss: new Float32Array(1) };
  const states = [vectorsOf(state), vectorsOf(freshState(state.parameters))] as const;
  const bindTurn = (rows: LoadedRows, from: Vectors, to: Vectors) => ({
    to,
    run: session.bind(
      { ...rowTensors(shape, rows), ...scalarTensors(scalars, index), ...stateTensors(from, stepInputs) },
      { ...stateTensors(to, stepOutputs), [stepOutputs.loss]: float32Tensor(scalars.loss, []) },
    ),
  });
  let bound: LoadedRows | undefined;
  let turns: readonly ReturnType<typeof bindTurn>[] = [];
  let turn = 0;
  let [waitedMs, workedMs] = [0, 0];
  return {
    async advance() {
      const startedMs = monotonicMs();
      const picked = await feeder.pick(state.step);
      index.set(picked.index);
      if (picked.rows !== bound) {
        bound = picked.rows;
        turns = [bindTurn(bound, states[0], states[1]), bindTurn(bound, states[1], states[0])];
      }
      const rate = learningRateAt(hyperparameters, state.step);
      scalars.stepSize[0] = adamStepSize(rate, state.step + 1);
      scalars.shrinkage[0] = 1 - rate * hyperparameters.weightDecay;
      const readyMs = monotonicMs();
      const now = turns[turn];
      if (now === undefined) throw new Error('expected a prepared step, got none');
      await now.run();
      turn = 1 - turn;
      Object.assign(state, now.to);
      state.step += 1;
      state.lossSum += scalars.loss[0] ?? Number.NaN;
      state.lossSteps += 1;
      waitedMs += readyMs - startedMs;
      workedMs += monotonicMs() - startedMs;
    },
    dataWaitFraction: () => (workedMs === 0 ? 0 : waitedMs / workedMs),
  };
}

type Vectors = Pick<TrainingState, 'parameters' | 'firstMoment' | 'secondMoment'>;

const vectorsOf = ({ parameters, firstMoment, secondMoment }: TrainingState): Vectors => ({
  parameters,
  firstMoment,
  secondMoment,
});

const stateTensors = (vectors: Vectors, names: Record<keyof Vectors, string>): Tensors => ({
  [names.parameters]: float32Tensor(vectors.parameters, [vectors.parameters.length]),
  [names.firstMoment]: float32Tensor(vectors.firstMoment, [vectors.firstMoment.length]),
  [names.secondMoment]: float32Tensor(vectors.secondMoment, [vectors.secondMoment.length]),
});

const rowTensors = (shape: NetworkShape, { block }: LoadedRows): Tensors => ({
  [stepInputs.observation]: float32Tensor(block.observation, [block.rows, shape.observationSize]),
  [stepInputs.task]: int32Tensor(block.task, [block.rows]),
  [stepInputs.label]:
    block.label instanceof Float32Array
      ? float32Tensor(block.label, [block.rows, shape.actionSize])
      : int32Tensor(block.label, [block.rows]),
  [stepInputs.weight]: float32Tensor(block.weight, [block.rows]),
});

const scalarTensors = (
  { stepSize, shrinkage }: { stepSize: Float32Array; shrinkage: Float32Array },
  index: Int32Array,
): Tensors => ({
  [stepInputs.index]: int32Tensor(index, [index.length]),
  [stepInputs.stepSize]: float32Tensor(stepSize, []),
  [stepInputs.shrinkage]: float32Tensor(shrinkage, []),
});

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
