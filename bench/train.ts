import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { RecordBatchFileWriter, type RecordBatch } from 'apache-arrow';

import { openArrowRows } from '../activities/adapters/arrow-row-source.ts';
import { onnxRuntime } from '../activities/adapters/onnx-runtime.ts';
import { onnxTrainer } from '../activities/adapters/onnx-trainer.ts';
import type { TrainingOutcome } from '../activities/ports/trainer.ts';
import { arrowBatch, arrowSchema, type ArrowColumn } from '../datasets/arrow-rows.ts';
import type { RobotType } from '../datasets/robot-type.ts';
import { batchFeeder } from '../policies/batch-feeder.ts';
import { stepsInEpoch } from '../policies/data-order.ts';
import { initialParameters } from '../policies/network.ts';
import { networkShape, policySizes, type PolicySizes } from '../policies/policy-io.ts';
import { randomStream } from '../policies/random.ts';
import { float32Tensor, int32Tensor, type Tensors } from '../policies/runtime.ts';
import { defaultTraining } from '../policies/specification.ts';
import { buildTrainingSteps, stepInputs, stepOutputs } from '../policies/training-graph.ts';
import { groupRowsOf, stepsAtOnce } from '../policies/training-loop.ts';
import type { BenchLeg, BenchOptions, BenchResult } from './leg.ts';

/** Rows of a training set at the design load. */
const designRows = 2_000_000;
/** As the mix sets it aside. */
const validationRowsOf = (rows: number): number => Math.min(200_000, Math.ceil(rows / 10));
const observationSize = 24;
const rowsAtOnce = 65_536;
const rounds = 2;
/** Passes that are measured. */
const passes = 4;

const robotType: RobotType = {
  id: 'bench',
  version: 1,
  description: '24 ranges, 4 actions',
  rateHz: 9,
  observations: Array.from({ length: observationSize }, (_, index) => ({
    name: `r${index}`,
    unit: 'm',
    min: 0,
    max: 5,
  })),
  actions: { kind: 'discrete', names: ['forward', 'left', 'right', 'sharp'] },
  tasks: ['wall-following'],
  split: { kind: 'robotDay', validationFraction: 0.1, heldoutFraction: 0.1 },
  limits: {
    minEpisodeFrames: 1,
    maxEpisodeFrames: 1000,
    maxFrameGapPeriods: 5,
    mayBeConstant: [],
    minAgreementFraction: 0.5,
    maxModelSizeBytes: 1024 * 1024,
  },
};
const sizes = policySizes(robotType) as PolicySizes;

/**
 * The embedded trainer with its default network and settings for large sets, four passes from Arrow files, everything included:
 * measuring columns, reading, shuffling, validation, checkpoints. Against the same training graph run as often on rows that
 * lie in memory. Both in rows per second, best of two rounds in turn.
 */
export const trainLeg: BenchLeg = { name: 'train', run: measure };

async function measure({ scale, seed, progress }: BenchOptions): Promise<BenchResult> {
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-bench-train-'));
  try {
    const rows = Math.max(60_000, Math.round(designRows * scale));
    const { hyperparameters } = defaultTraining(rows);
    const steps = passes * stepsInEpoch(rows, hyperparameters.batchSize);
    const paths = { train: join(directory, 'train.arrow'), validation: join(directory, 'validation.arrow') };
    await writeRows(paths.train, rows, seed);
    await writeRows(paths.validation, validationRowsOf(rows), seed + 1);
    const oursMs: number[] = [];
    const referenceMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      referenceMs.push(await bareLoopMs(paths.train, rows, steps, seed));
      const outcome = await elapsed(() => train(directory, paths, rows, steps, seed));
      oursMs.push(outcome.ms);
      const wait = (100 * (outcome.value.dataWaitFraction ?? 0)).toFixed(2);
      progress(
        `round ${round + 1}: ${steps} steps of ${hyperparameters.batchSize} rows: bare loop ${Math.round(referenceMs.at(-1) ?? 0)} ms, trainer ${Math.round(outcome.ms)} ms, waiting for data ${wait} %`,
      );
    }
    const perSecond = (ms: number): number => (steps * hyperparameters.batchSize * 1000) / ms;
    const ours = perSecond(Math.min(...oursMs));
    const reference = perSecond(Math.min(...referenceMs));
    const peakRssBytes = process.resourceUsage().maxRSS * 1024;
    return { leg: 'train', scale, unit: 'rows/s', ours, reference, ratio: ours / reference, peakRssBytes };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function elapsed<T>(work: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const startedMs = performance.now();
  const value = await work();
  return { ms: performance.now() - startedMs, value };
}

const train = (
  directory: string,
  paths: { train: string; validation: string },
  rows: number,
  maxSteps: number,
  seed: number,
): Promise<TrainingOutcome> =>
  onnxTrainer({ runtime: onnxRuntime(), monotonicMs: () => performance.now() }).train(
    {
      trainPath: paths.train,
      validationPath: paths.validation,
      trainRows: rows,
      validationRows: validationRowsOf(rows),
      robotType,
      settings: { maxSteps, patienceEvaluations: 1_000_000 },
      seed,
      checkpoints: { save: async () => undefined, latest: async () => undefined },
      scratchDirectory: directory,
    },
    () => undefined,
  );

/** The same graph with as many steps a run, on one group of rows that lies in memory, in random order; nothing else in the loop. */
async function bareLoopMs(path: string, rows: number, steps: number, seed: number): Promise<number> {
  const { specification, hyperparameters } = defaultTraining(rows);
  const shape = networkShape(sizes, specification);
  const { batchSize } = hyperparameters;
  const flat = { mean: new Float32Array(observationSize), scale: new Float32Array(observationSize).fill(1) };
  const session = await onnxRuntime().open(buildTrainingSteps({ shape, observation: flat }));
  const source = await openArrowRows(path, sizes);
  const picked = await batchFeeder({ source, batchSize, groupRows: groupRowsOf(shape), seed }).pick(0);
  const { block } = picked.rows;
  const start = initialParameters(shape, randomStream(seed, 'initial parameters'));
  const zeros = (): Float32Array => new Float32Array(start.length);
  let state = stateOf([start, zeros(), zeros()]);
  const atOnce = stepsAtOnce(
    0,
    { ...hyperparameters, evaluateEverySteps: 1e9, checkpointEverySteps: 1e9 },
    start.length,
  );
  const index = new Int32Array(atOnce * batchSize).map((_, row) => picked.rows.order[row % block.rows] ?? 0);
  const { ms } = await elapsed(async () => {
    for (let step = 0; step < steps; step += atOnce) {
      const count = Math.min(atOnce, steps - step);
      const results: Tensors = await session.run({
        [stepInputs.observation]: float32Tensor(block.observation, [block.rows, observationSize]),
        [stepInputs.task]: int32Tensor(block.task, [block.rows]),
        [stepInputs.label]: int32Tensor(block.label as Int32Array, [block.rows]),
        [stepInputs.weight]: float32Tensor(block.weight, [block.rows]),
        [stepInputs.steps]: { type: 'int64', data: BigInt64Array.of(BigInt(count)), shape: [] },
        [stepInputs.index]: int32Tensor(index.subarray(0, count * batchSize), [count, batchSize]),
        [stepInputs.stepSize]: float32Tensor(new Float32Array(count).fill(1e-4), [count]),
        [stepInputs.shrinkage]: float32Tensor(new Float32Array(count).fill(1), [count]),
        ...state,
      });
      state = stateOf(
        [stepOutputs.parameters, stepOutputs.firstMoment, stepOutputs.secondMoment].map(
          (name) => results[name]?.data as Float32Array,
        ),
      );
    }
  });
  await session.close();
  await source.close();
  return ms;
}

const stateOf = (vectors: readonly Float32Array[]): Tensors => {
  const names = [stepInputs.parameters, stepInputs.firstMoment, stepInputs.secondMoment];
  return Object.fromEntries(vectors.map((vector, index) => [names[index], float32Tensor(vector, [vector.length])]));
};

/** Seeded rows whose label follows from the readings, written batch by batch. */
async function writeRows(path: string, rows: number, seed: number): Promise<void> {
  const columns: readonly ArrowColumn[] = [
    { name: 'observation', kind: 'float32', size: observationSize },
    { name: 'label', kind: 'int32' },
    { name: 'task', kind: 'int32' },
    { name: 'weight', kind: 'float32' },
  ];
  const schema = arrowSchema(columns);
  function* batches(): Generator<RecordBatch> {
    const random = randomStream(seed, 'bench rows');
    for (let start = 0; start < rows; start += rowsAtOnce) {
      const count = Math.min(rowsAtOnce, rows - start);
      const observation = Float32Array.from({ length: count * observationSize }, () => 5 * random());
      const label = Int32Array.from({ length: count }, (_, row) => {
        const [a = 0, b = 0] = observation.subarray(row * observationSize, row * observationSize + 2);
        return (a > 2.5 ? 2 : 0) + (b > 2.5 ? 1 : 0);
      });
      yield arrowBatch(
        schema,
        columns,
        [observation, label, new Int32Array(count), new Float32Array(count).fill(1)],
        count,
      );
    }
  }
  await pipeline(
    Readable.from(batches(), { objectMode: true, highWaterMark: 1 }),
    RecordBatchFileWriter.throughNode(),
    createWriteStream(path),
  );
}
