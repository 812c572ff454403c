import type { Graph, Value } from './onnx/graph.ts';
import { add, gather, matMul, relu } from './onnx/operations.ts';
import type { RandomStream } from './random.ts';
import type { NetworkSpecification } from './specification.ts';

/** Everything that fixes a network's parameters: the specification and the sizes of the robot type. */
export interface NetworkShape extends NetworkSpecification {
  readonly observationSize: number;
  readonly taskCount: number;
  /** Discrete: a score an action, softmax. Continuous: a value an action, squared error. */
  readonly head: 'discrete' | 'continuous';
  readonly actionSize: number;
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
  let inputSize = shape.observationSize;
  [...shape.hiddenWidths, shape.actionSize].forEach((width, layer) => {
    const fanIn = inputSize + (embeds && layer === 0 ? shape.taskEmbeddingSize : 0);
    const limit = Math.sqrt(6 / fanIn) * (layer === shape.hiddenWidths.length ? 0.1 : 1);
    slot(`layer${layer}_weight`, [inputSize, width], limit);
    if (embeds && layer === 0) slot('task_weight', [shape.taskEmbeddingSize, width], limit);
    slot(`layer${layer}_bias`, [width], 0);
    inputSize = width;
  });
  return slots;
}

export const parameterCount = (shape: NetworkShape): number =>
  parameterLayout(shape).reduce((total, slot) => total + slot.size, 0);

/** The starting parameters, a pure function of shape and stream. */
export function initialParameters(shape: NetworkShape, random: RandomStream): Float32Array {
  const parameters = new Float32Array(parameterCount(shape));
  for (const { start, size, initialLimit } of parameterLayout(shape).filter((slot) => slot.initialLimit > 0))
    for (let index = start; index < start + size; index += 1) parameters[index] = (2 * random() - 1) * initialLimit;
  return parameters;
}

export type ParameterValues = ReadonlyMap<string, Value>;

/**
 * Builds the network on a graph: observation [n, o] already normalised, task [n] int32 → scores or normalised actions [n, a].
 * The first layer of [observation, embedding] is written as two products, which spares the gradient by the observation.
 */
export function buildNetwork(
  graph: Graph,
  shape: NetworkShape,
  parameters: ParameterValues,
  observation: Value,
  task: Value,
): Value {
  const parameter = (name: string): Value => {
    const value = parameters.get(name);
    if (value === undefined) throw new Error(`expected a parameter ${name}, got ${[...parameters.keys()].join(', ')}`);
    return value;
  };
  let activations = observation;
  for (let layer = 0; layer <= shape.hiddenWidths.length; layer += 1) {
    let sum = matMul(graph, activations, parameter(`layer${layer}_weight`));
    if (layer === 0 && shape.taskCount > 1) {
      const embedding = gather(graph, parameter('task_embedding'), task);
      sum = add(graph, sum, matMul(graph, embedding, parameter('task_weight')));
    }
    const biased = add(graph, sum, parameter(`layer${layer}_bias`));
    activations = layer === shape.hiddenWidths.length ? biased : relu(graph, biased);
  }
  return activations;
}
