import { onnxRuntime } from '../../activities/adapters/onnx-runtime.ts';
import { imagePort } from '../../policies/images/camera-layers.ts';
import { cameraNetworkSchema, type CameraNetwork } from '../../policies/images/camera-network.ts';
import { initialParameters, type NetworkShape } from '../../policies/network.ts';
import { adamStepSize } from '../../policies/onnx/adam.ts';
import { randomStream } from '../../policies/random.ts';
import { float32Tensor, int32Tensor, uint8Tensor, type Tensors } from '../../policies/runtime.ts';
import { buildTrainingSteps, stepInputs, stepOutputs } from '../../policies/training-graph.ts';

/** One network with rows in memory and the minibatches of its steps. */
export interface PictureCase {
  readonly camera: CameraNetwork;
  readonly shape: NetworkShape;
  readonly parameters: Float32Array;
  readonly rows: number;
  readonly batch: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly feeds: {
    readonly observation: Float32Array;
    readonly label: Int32Array;
    readonly picture: Uint8Array;
    /** [steps, batch], rows of each step. */
    readonly index: Int32Array;
  };
}

const rows = 64;
const observationSize = 24;
const actions = 4;

/** The default network for pictures of this size, with random pictures and readings whose label follows from the first one. */
export function pictureCase(height: number, width: number, steps: number, seed: number): PictureCase {
  const camera = cameraNetworkSchema.parse({ camera: 'front', height, width });
  const shape: NetworkShape = {
    hiddenWidths: [128, 128],
    taskEmbeddingSize: 8,
    observationSize,
    taskCount: 1,
    head: 'discrete',
    actionSize: actions,
    images: [camera],
  };
  const batch = 16;
  const random = randomStream(seed, 'bench pictures');
  const observation = Float32Array.from({ length: rows * observationSize }, () => 2 * random() - 1);
  return {
    camera,
    shape,
    rows,
    batch,
    steps,
    learningRate: 0.001,
    weightDecay: 0.05,
    parameters: initialParameters(shape, randomStream(seed, 'initial parameters')),
    feeds: {
      observation,
      label: Int32Array.from({ length: rows }, (_, row) => ((observation[row * observationSize] ?? 0) > 0 ? 1 : 0)),
      picture: Uint8Array.from({ length: rows * height * width * 3 }, () => Math.floor(256 * random())),
      index: Int32Array.from({ length: steps * batch }, () => Math.floor(rows * random())),
    },
  };
}

/** Steps that run without coming back, as in a training. */
const atOnce = 4;

/** Runs the steps as the embedded trainer does, on one thread. Losses of every step, milliseconds a step of every run of a few. */
export async function ourSteps(of: PictureCase): Promise<{ losses: number[]; milliseconds: number[] }> {
  const { shape, parameters, steps } = of;
  const observation = { mean: new Float32Array(observationSize), scale: new Float32Array(observationSize).fill(1) };
  const session = await onnxRuntime().open(buildTrainingSteps({ shape, observation }));
  const losses: number[] = [];
  const milliseconds: number[] = [];
  const names = [stepInputs.parameters, stepInputs.firstMoment, stepInputs.secondMoment] as const;
  let state = [parameters, new Float32Array(parameters.length), new Float32Array(parameters.length)];
  try {
    for (let step = 0; step < steps; step += atOnce) {
      const startedMs = performance.now();
      const results = await session.run({
        ...feedsOf(of, step, Math.min(atOnce, steps - step)),
        ...Object.fromEntries(
          state.map((vector, index) => [names[index] ?? '', float32Tensor(vector, [vector.length])]),
        ),
      });
      milliseconds.push((performance.now() - startedMs) / Math.min(atOnce, steps - step));
      losses.push(...(results[stepOutputs.loss]?.data as Float32Array));
      state = [stepOutputs.parameters, stepOutputs.firstMoment, stepOutputs.secondMoment].map(
        (name) => results[name]?.data as Float32Array<ArrayBuffer>,
      );
    }
  } finally {
    await session.close();
  }
  return { losses, milliseconds };
}

function feedsOf(of: PictureCase, step: number, count: number): Tensors {
  const { camera, batch, learningRate, weightDecay, feeds } = of;
  const index = feeds.index.subarray(step * batch, (step + count) * batch);
  const sizes = Float32Array.from({ length: count }, (_, turn) => adamStepSize(learningRate, step + turn + 1));
  return {
    [stepInputs.observation]: float32Tensor(feeds.observation, [rows, observationSize]),
    [stepInputs.task]: int32Tensor(new Int32Array(rows), [rows]),
    [stepInputs.label]: int32Tensor(feeds.label, [rows]),
    [stepInputs.weight]: float32Tensor(new Float32Array(rows).fill(1), [rows]),
    [imagePort(camera.camera)]: uint8Tensor(feeds.picture, [rows, camera.height, camera.width, 3]),
    [stepInputs.steps]: { type: 'int64', data: BigInt64Array.of(BigInt(count)), shape: [] },
    [stepInputs.index]: int32Tensor(index, [count, batch]),
    [stepInputs.stepSize]: float32Tensor(sizes, [count]),
    [stepInputs.shrinkage]: float32Tensor(new Float32Array(count).fill(1 - learningRate * weightDecay), [count]),
  };
}
