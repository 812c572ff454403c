import { actionMap, partialObservations } from '../../datasets/bodies/body-map.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { onnxRuntime } from '../../activities/adapters/onnx-runtime.ts';
import { actionTolerance } from '../../policies/agreement.ts';
import { exportPolicy } from '../../policies/export-policy.ts';
import type { GrownBody } from '../../policies/grown-body.ts';
import { initialParameters, type NetworkShape } from '../../policies/network.ts';
import { columnMoments, type Normalisation } from '../../policies/normalisation.ts';
import { networkShape, policySizes } from '../../policies/policy-io.ts';
import { randomStream } from '../../policies/random.ts';
import { sliceBlock, type RowBlock, type RowSource } from '../../policies/rows.ts';
import { scoreRows } from '../../policies/scoring.ts';
import { resolveSettings, type TrainingSettings } from '../../policies/specification.ts';
import { buildScoring } from '../../policies/training-graph.ts';
import { trainNetwork } from '../../policies/training-loop.ts';
import { warmStart } from '../../policies/warm-start.ts';
import type { BenchSet } from './rows.ts';

export interface TrainedOnce {
  /** On held-out rows, 0–1. */
  readonly agreementFraction: number;
  /** On held-out rows, of the kind the training minimises. */
  readonly loss: number;
  readonly steps: number;
  /** Of the processor, the training alone. */
  readonly seconds: number;
  readonly model: Uint8Array;
  /** Why a warm start was none; null where it was one, or none was asked for. */
  readonly coldBecause: string | null;
}

const runtime = onnxRuntime();
const sourceOf = (block: RowBlock): RowSource => ({ blockRows: [block.rows], read: async () => block });

/** What a training starts from: a policy, and the body that it was made for. */
export interface StartModel {
  readonly model: Uint8Array;
  readonly type: RobotType;
}

/** Trains on the rows of a set as the embedded trainer does, and measures what came out on the held-out ones. */
export async function trainOnce(
  set: BenchSet,
  settings: TrainingSettings,
  seed: number,
  start?: StartModel,
): Promise<TrainedOnce> {
  const { type, train, validation, heldout } = set;
  const sizes = policySizes(type);
  if (sizes === undefined) throw new Error(`expected a robot type with actions, got ${type.id}`);
  const { specification, hyperparameters } = resolveSettings(settings, train.rows);
  const shape = networkShape(sizes, specification);
  const observation = momentsOf(sizes.observationSize, train.observation);
  const label = train.label instanceof Float32Array ? momentsOf(sizes.actionSize, train.label) : undefined;
  const tolerance = actionTolerance(type);
  const began = startOf({ set, shape, observation, label, seed }, start);
  const before = process.cpuUsage();
  const result = await trainNetwork({
    runtime,
    shape,
    hyperparameters,
    seed,
    train: sourceOf(train),
    validation: sourceOf(validation),
    observation,
    label,
    tolerance,
    start: began.parameters,
    checkpoints: { save: async () => undefined, latest: async () => undefined },
    progress: () => undefined,
    monotonicMs: () => performance.now(),
  });
  const used = process.cpuUsage(before);
  const session = await runtime.open(buildScoring({ shape, observation }));
  try {
    const source = sourceOf(heldout);
    const score = await scoreRows({ session, shape, parameters: result.parameters, source, label, tolerance });
    return {
      agreementFraction: score.agreementFraction,
      loss: score.loss,
      steps: result.steps,
      seconds: (used.user + used.system) / 1e6,
      model: exportPolicy({ shape, parameters: result.parameters, observation, label }, type),
      coldBecause: began.coldBecause,
    };
  } finally {
    await session.close();
  }
}

/** The first half of what is learned from: what a champion of an earlier week knew. */
export const firstHalf = (set: BenchSet): BenchSet => ({
  ...set,
  train: sliceBlock(set.train, 0, Math.floor(set.train.rows / 2)),
});

function momentsOf(size: number, values: Float32Array): Normalisation {
  const moments = columnMoments(size);
  moments.take(values);
  return moments.finish();
}

function startOf(
  {
    set,
    shape,
    observation,
    label,
    seed,
  }: {
    set: BenchSet;
    shape: NetworkShape;
    observation: Normalisation;
    label: Normalisation | undefined;
    seed: number;
  },
  from: StartModel | undefined,
): { readonly parameters: Float32Array; readonly coldBecause: string | null } {
  const fresh = initialParameters(shape, randomStream(seed, 'initial parameters'));
  if (from === undefined) return { parameters: fresh, coldBecause: null };
  const { model, type } = from;
  const body = type.version === set.type.version ? undefined : bodyOf(type, set.type);
  const start = warmStart({ model, shape, type: set.type, observation, label, fresh, body });
  return start.kind === 'cold'
    ? { parameters: fresh, coldBecause: start.reason }
    : { parameters: start.parameters, coldBecause: null };
}

/** How the body of before is read from the new one, by the rules between the two. */
function bodyOf(before: RobotType, after: RobotType): GrownBody {
  const chain = [before, after];
  const readings = partialObservations({ from: after, to: before, chain });
  const actions = actionMap({ from: before, to: after, chain });
  if ('reason' in readings) throw new Error(`expected rules between the bodies: ${readings.reason}`);
  if ('reason' in actions) throw new Error(`expected rules between the bodies: ${actions.reason}`);
  return { type: before, readings, actions };
}
