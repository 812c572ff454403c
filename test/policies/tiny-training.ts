import { onnxRuntime } from '../../activities/adapters/onnx-runtime.ts';
import { initialParameters, type NetworkShape } from '../../policies/network.ts';
import { columnMoments } from '../../policies/normalisation.ts';
import { randomStream } from '../../policies/random.ts';
import type { RowBlock, RowSource } from '../../policies/rows.ts';
import type { TrainingLoopInput } from '../../policies/training-loop.ts';

export const runtime = onnxRuntime();

export const tinyShape: NetworkShape = {
  hiddenWidths: [8],
  taskEmbeddingSize: 2,
  observationSize: 3,
  taskCount: 2,
  head: 'discrete',
  actionSize: 3,
};

/** Rows whose label follows from the first two readings and the task, so that a small network can learn them. */
export function learnableRows(rows: number, seed: number): RowBlock {
  const random = randomStream(seed, 'learnable rows');
  const block = {
    rows,
    observation: Float32Array.from({ length: rows * 3 }, () => 4 * random() - 2),
    task: Int32Array.from({ length: rows }, () => Math.floor(random() * 2)),
    label: new Int32Array(rows),
    weight: Float32Array.from({ length: rows }, () => 0.5 + random()),
  };
  for (let row = 0; row < rows; row += 1) {
    const sum = block.observation[3 * row]! + block.observation[3 * row + 1]!;
    block.label[row] = block.task[row] === 1 ? 2 : sum > 0 ? 1 : 0;
  }
  return block;
}

export const sourceOf = (...blocks: readonly RowBlock[]): RowSource => ({
  blockRows: blocks.map(({ rows }) => rows),
  read: async (block) => blocks[block]!,
});

export function tinyTraining(overrides: Partial<TrainingLoopInput> = {}): TrainingLoopInput {
  const train = learnableRows(300, 1);
  const moments = columnMoments(3);
  moments.take(train.observation);
  return {
    runtime,
    shape: tinyShape,
    hyperparameters: {
      learningRate: 0.03,
      weightDecay: 0.01,
      batchSize: 32,
      maxSteps: 60,
      evaluateEverySteps: 10,
      patienceEvaluations: 100,
      checkpointEverySteps: 7,
    },
    seed: 5,
    train: sourceOf(train),
    validation: sourceOf(learnableRows(100, 2)),
    observation: moments.finish(),
    start: initialParameters(tinyShape, randomStream(5, 'initial parameters')),
    checkpoints: { save: async () => undefined, latest: async () => undefined },
    progress: () => undefined,
    monotonicMs: () => performance.now(),
    ...overrides,
  };
}
