import type { ChunkPlan } from './chunks.ts';
import { cameraCost, type CameraShape, type NetworkCost } from './images/camera-layers.ts';
import { cameraParameters, seePicture } from './images/see.ts';
import type { Graph, Value } from './onnx/graph.ts';
import { add, gather, matMul, relu } from './onnx/operations.ts';
import type { RandomStream } from './random.ts';
import type { NetworkSpecification } from './specification.ts';

/** Everything that fixes a network's parameters: the specification and the sizes of the robot type. */
export interface NetworkShape extends NetworkSpecification {
  /** Numbers of a row: with history those of all its frames. */
  readonly observationSize: number;
  /** Frames that a row has, the present included; absent for the present alone. */
  readonly history?: number;
  readonly taskCount: number;
  /** Discrete: a score an action, softmax. Continuous: a value an action, squared error. */
  readonly head: 'discrete' | 'continuous';
  /** Numbers of an answer: with a horizon those of all its actions. */
  readonly actionSize: number;
  /** Actions of an answer, the present one included, and how many of them the model gives; absent for the present one alone. */
  readonly chunk?: ChunkPlan;
  /** Cameras that it sees, in the order of its rows' pictures; absent for a network of readings alone. */
  readonly images?: readonly CameraShape[];
}

/** One tensor of the flat parameter vector, at `[start, start + size)`. */
export interface ParameterSlot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly size: number;
  /** Half width of the uniform distribution it starts from; 0 starts at zero. */
  readonly initialLimit: number;
}

/**
 * Where each weight stands in the flat vector. Hidden layers start uniform within ±√(6/inputs) (He et al. 2015, eq. 10, for
 * rectifiers), the last one ten times smaller so that the first predictions are near even, biases at zero.
 */
export function parameterLayout(shape: NetworkShape): readonly ParameterSlot[] {
  const slots: ParameterSlot[] = [];
  const slot = (name: string, dims: readonly number[], initialLimit: number): void => {
    const last = slots.at(-1);
    const start = last === undefined ? 0 : last.start + last.size;
    slots.push({ name, shape: dims, start, size: dims.reduce((product, size) => product * size, 1), initialLimit });
  };
  const embeds = shape.taskCount > 1;
  if (embeds) slot('task_embedding', [shape.taskCount, shape.taskEmbeddingSize], 1);
  const images = shape.images ?? [];
  for (const camera of images)
    for (const { name, shape: dims, initialLimit } of cameraParameters(camera)) slot(name, dims, initialLimit);
  let inputSize = shape.observationSize;
  [...shape.hiddenWidths, shape.actionSize].forEach((width, layer) => {
    const fanIn = inputSize + (layer === 0 ? joinedSize(shape) : 0);
    const limit = Math.sqrt(6 / fanIn) * (layer === shape.hiddenWidths.length ? 0.1 : 1);
    slot(`layer${layer}_weight`, [inputSize, width], limit);
    if (embeds && layer === 0) slot('task_weight', [shape.taskEmbeddingSize, width], limit);
    if (layer === 0) for (const { camera, features } of images) slot(joinName(camera), [features, width], limit);
    slot(`layer${layer}_bias`, [width], 0);
    inputSize = width;
  });
  return slots;
}

export const parameterCount = (shape: NetworkShape): number =>
  parameterLayout(shape).reduce((total, slot) => total + slot.size, 0);

/** Numbers that join the readings in the first layer: the task's, and those of what cameras see. */
const joinedSize = ({ taskCount, taskEmbeddingSize, images = [] }: NetworkShape): number =>
  (taskCount > 1 ? taskEmbeddingSize : 0) + images.reduce((sum, { features }) => sum + features, 0);

/** The weight by which a camera's features join the readings. */
const joinName = (camera: string): string => `camera_${camera}_weight`;

/** What the network costs: told where one is chosen. */
export function networkCost(shape: NetworkShape): NetworkCost {
  const images = shape.images ?? [];
  let inputs = shape.observationSize + joinedSize(shape);
  let multiplyAccumulates = images.reduce((sum, camera) => sum + cameraCost(camera).multiplyAccumulates, 0);
  for (const width of [...shape.hiddenWidths, shape.actionSize]) {
    multiplyAccumulates += inputs * width;
    inputs = width;
  }
  return { parameters: parameterCount(shape), multiplyAccumulates };
}

/** The starting parameters, a pure function of shape and stream. */
export function initialParameters(shape: NetworkShape, random: RandomStream): Float32Array {
  const parameters = new Float32Array(parameterCount(shape));
  for (const { start, size, initialLimit } of parameterLayout(shape).filter((slot) => slot.initialLimit > 0))
    for (let index = start; index < start + size; index += 1) parameters[index] = (2 * random() - 1) * initialLimit;
  return parameters;
}

export type ParameterValues = ReadonlyMap<string, Value>;

/** What a network reads, a row each: readings already normalised, pictures as bytes. */
export interface NetworkInputs {
  /** float32 [n, o]. */
  readonly observation: Value;
  /** int32 [n]. */
  readonly task: Value;
  /** uint8 [n, height, width, 3] each, in the order of the shape's images. */
  readonly pictures: readonly Value[];
}

/**
 * Builds the network on a graph: inputs → scores or normalised actions [n, a]. The first layer of [observation, embedding, features]
 * is written as one product each, which spares the gradient by the observation.
 */
export function buildNetwork(
  graph: Graph,
  shape: NetworkShape,
  parameters: ParameterValues,
  { observation, task, pictures }: NetworkInputs,
): Value {
  const parameter = (name: string): Value => {
    const value = parameters.get(name);
    if (value === undefined) throw new Error(`expected a parameter ${name}, got ${[...parameters.keys()].join(', ')}`);
    return value;
  };
  const images = shape.images ?? [];
  if (pictures.length !== images.length)
    throw new Error(`expected a picture of each of ${images.length} cameras, got ${pictures.length}`);
  let activations = observation;
  for (let layer = 0; layer <= shape.hiddenWidths.length; layer += 1) {
    let sum = matMul(graph, activations, parameter(`layer${layer}_weight`));
    if (layer === 0 && shape.taskCount > 1) {
      const embedding = gather(graph, parameter('task_embedding'), task);
      sum = add(graph, sum, matMul(graph, embedding, parameter('task_weight')));
    }
    if (layer === 0)
      images.forEach((camera, index) => {
        const features = seePicture(graph, camera, parameter, pictures[index] as Value);
        sum = add(graph, sum, matMul(graph, features, parameter(joinName(camera.camera))));
      });
    const biased = add(graph, sum, parameter(`layer${layer}_bias`));
    activations = layer === shape.hiddenWidths.length ? biased : relu(graph, biased);
  }
  return activations;
}
