import { imagePort, seenSizes, type CameraShape } from './images/camera-layers.ts';
import { buildNetwork, parameterCount, parameterLayout, type NetworkShape, type ParameterValues } from './network.ts';
import { normalisedLimit, type Normalisation } from './normalisation.ts';
import { adamStep } from './onnx/adam.ts';
import { createGraph, type Graph, type Shape, type Value } from './onnx/graph.ts';
import { gradients } from './onnx/gradients.ts';
import { meanSquaredError, reshape, softmaxCrossEntropy } from './onnx/operations.ts';

/** Names of the training graph's inputs and outputs; pictures go in as in a policy, `image.<camera>`. State goes in under one name and comes out under the other. */
export const stepInputs = {
  observation: 'observation',
  task: 'task',
  label: 'label',
  weight: 'weight',
  steps: 'steps',
  index: 'index',
  stepSize: 'step_size',
  shrinkage: 'shrinkage',
  parameters: 'parameters',
  firstMoment: 'first_moment',
  secondMoment: 'second_moment',
} as const;
export const stepOutputs = {
  loss: 'loss',
  parameters: 'next_parameters',
  firstMoment: 'next_first_moment',
  secondMoment: 'next_second_moment',
} as const;

export interface NormalisedShape {
  readonly shape: NetworkShape;
  readonly observation: Normalisation;
  /** For continuous labels; absent for discrete ones. */
  readonly label?: Normalisation | undefined;
}

/**
 * Training steps as an ONNX model: `steps` (int64 []) times pick rows, normalise, forward, backward, Adam, without leaving the
 * runtime, because handing the state out and in again costs as much as a good part of a step. In go the rows of a whole group as
 * they lie in memory, `observation` [rows, o], `image.<camera>` uint8 [rows, height, width, 3], `task` and discrete `label` int32 [rows] or `label` [rows, a], `weight` [rows];
 * `index` int32 [steps, batch], the rows of each step; `step_size` and `shrinkage` [steps] for Adam; parameters and both
 * moments as flat vectors. Out come the state after the last step and `loss` [steps].
 */
export function buildTrainingSteps({ shape, observation, label }: NormalisedShape): Uint8Array {
  const graph = createGraph('training_steps');
  const rows = {
    observation: graph.input(stepInputs.observation, 'float32', ['rows', shape.observationSize]),
    task: graph.input(stepInputs.task, 'int32', ['rows']),
    label:
      label === undefined
        ? graph.input(stepInputs.label, 'int32', ['rows', ...stepAxis(shape)])
        : graph.input(stepInputs.label, 'float32', ['rows', shape.actionSize]),
    weight: graph.input(stepInputs.weight, 'float32', ['rows', ...stepAxis(shape)]),
    pictures: pictureInputs(graph, 'rows', shape.images),
  };
  const count = graph.input(stepInputs.steps, 'int64', []);
  const indices = graph.input(stepInputs.index, 'int32', ['steps', 'batch']);
  const stepSizes = graph.input(stepInputs.stepSize, 'float32', ['steps']);
  const shrinkages = graph.input(stepInputs.shrinkage, 'float32', ['steps']);
  const size = parameterCount(shape);
  const start = [stepInputs.parameters, stepInputs.firstMoment, stepInputs.secondMoment].map((name) =>
    graph.input(name, 'float32', [size]),
  );
  const end = graph.loop(count, start, (body, iteration, [flat, firstMoment, secondMoment]) => {
    if (flat === undefined || firstMoment === undefined || secondMoment === undefined)
      throw new Error('expected parameters and two moments as state');
    const turn = (values: Value): Value => pick(body, values, iteration, values.shape.slice(1));
    const index = turn(indices);
    const batch = (values: Value): Value => pick(body, values, index, ['batch', ...values.shape.slice(1)]);
    const parameters = unpackParameters(body, shape, flat);
    const readings = clip(body, normalise(body, 'observation', batch(rows.observation), observation));
    const answer = buildNetwork(body, shape, parameters, {
      observation: readings,
      task: batch(rows.task),
      pictures: rows.pictures.map(batch),
    });
    const steps = (values: Value, width?: number): Value => eachStep(body, shape, values, width);
    const width = shape.actionSize / (shape.chunk?.horizon ?? 1);
    const prediction = steps(answer, width);
    const labels = steps(batch(rows.label), label === undefined ? undefined : width);
    const wanted = label === undefined ? labels : normalise(body, 'action', labels, label);
    const weights = steps(batch(rows.weight));
    const lossOf = label === undefined ? softmaxCrossEntropy : meanSquaredError;
    const loss = lossOf(body, prediction, wanted, weights);
    const gradient = packGradients(body, gradients(body, loss, [...parameters.values()]), size);
    const state = { parameters: flat, firstMoment, secondMoment };
    const next = adamStep(body, state, gradient, turn(stepSizes), turn(shrinkages));
    return { state: [next.parameters, next.firstMoment, next.secondMoment], results: [loss] };
  });
  const names = [stepOutputs.parameters, stepOutputs.firstMoment, stepOutputs.secondMoment, stepOutputs.loss];
  [...end.state, ...end.results].forEach((value, position) => graph.output(names[position] ?? '', value));
  return graph.encode();
}

/** Rows of a network with a horizon have a label and a weight for each step. */
const stepAxis = ({ chunk }: NetworkShape): readonly number[] => (chunk === undefined ? [] : [chunk.horizon]);

/** Each step of a chunk as a row of its own: [n, steps × width] → [n × steps, width], or [n × steps] without a width. As it is where there are none. */
function eachStep(graph: Graph, { chunk }: NetworkShape, values: Value, width?: number): Value {
  if (chunk === undefined) return values;
  return width === undefined
    ? reshape(graph, values, ['steps'], [-1])
    : reshape(graph, values, ['steps', width], [-1, width]);
}

/** The pictures of each camera as inputs, in their order. */
export const pictureInputs = (graph: Graph, rows: string, images: readonly CameraShape[] = []): readonly Value[] =>
  images.map((shape) => graph.input(imagePort(shape.camera), 'uint8', [rows, ...seenSizes(shape)]));

const pick = (graph: Graph, values: Value, index: Value, shape: Shape): Value =>
  graph.node('Gather', [values, index], shape, { axis: 0 });

/** The network alone with its parameters as an input: what validation runs between steps. Out come scores or normalised actions. */
export function buildScoring({ shape, observation }: NormalisedShape): Uint8Array {
  const graph = createGraph('scoring');
  const observations = graph.input(stepInputs.observation, 'float32', ['batch', shape.observationSize]);
  const task = graph.input(stepInputs.task, 'int32', ['batch']);
  const flat = graph.input(stepInputs.parameters, 'float32', [parameterCount(shape)]);
  const pictures = pictureInputs(graph, 'batch', shape.images);
  const readings = clip(graph, normalise(graph, 'observation', observations, observation));
  const parameters = unpackParameters(graph, shape, flat);
  graph.output('prediction', buildNetwork(graph, shape, parameters, { observation: readings, task, pictures }));
  return graph.encode();
}

/** (values - mean) × scale, a row at a time; the two vectors are stored as `<prefix>_mean` and `<prefix>_scale`. */
export function normalise(graph: Graph, prefix: string, values: Value, { mean, scale }: Normalisation): Value {
  const centred = graph.node('Sub', [values, graph.constant(`${prefix}_mean`, mean, [mean.length])], values.shape);
  return graph.node('Mul', [centred, graph.constant(`${prefix}_scale`, scale, [scale.length])], values.shape);
}

/** Cuts normalised readings to ± `normalisedLimit`. */
export const clip = (graph: Graph, values: Value): Value =>
  graph.node('Clip', [values, graph.scalar(-normalisedLimit), graph.scalar(normalisedLimit)], values.shape);

function unpackParameters(graph: Graph, shape: NetworkShape, flat: Value): ParameterValues {
  const layout = parameterLayout(shape);
  const sizes = graph.constant('parameter_sizes', BigInt64Array.from(layout.map((slot) => BigInt(slot.size))), [
    layout.length,
  ]);
  const parts = graph.split(
    flat,
    sizes,
    layout.map((slot) => [slot.size]),
  );
  return new Map(
    layout.map((slot, position) => {
      const dims = graph.constant(`shape_${slot.shape.join('_')}`, BigInt64Array.from(slot.shape.map(BigInt)), [
        slot.shape.length,
      ]);
      return [slot.name, graph.node('Reshape', [parts[position] ?? flat, dims], slot.shape)];
    }),
  );
}

function packGradients(graph: Graph, values: readonly Value[], size: number): Value {
  const flatten = graph.constant('shape_flat', BigInt64Array.of(-1n), [1]);
  const flat = values.map((value) => graph.node('Reshape', [value, flatten], ['flat']));
  return graph.node('Concat', flat, [size], { axis: 0 });
}
