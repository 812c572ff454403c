import { buildNetwork, parameterCount, parameterLayout, type NetworkShape, type ParameterValues } from './network.ts';
import { normalisedLimit, type Normalisation } from './normalisation.ts';
import { adamStep } from './onnx/adam.ts';
import { createGraph, type Graph, type Value } from './onnx/graph.ts';
import { gradients } from './onnx/gradients.ts';
import { meanSquaredError, softmaxCrossEntropy } from './onnx/operations.ts';

/** Names of the training step's inputs and outputs. State goes in under one name and comes out under the other. */
export const stepInputs = {
  observation: 'observation',
  task: 'task',
  label: 'label',
  weight: 'weight',
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
 * One training step as an ONNX model: pick rows, normalise, forward, backward, Adam. In go the rows of a whole group as they lie
 * in memory, `observation` [rows, o], `task` and discrete `label` int32 [rows] or `label` [rows, a], `weight` [rows], and
 * `index` int32 [batch], the rows of this step: picking inside the graph is far cheaper than copying outside. Parameters and
 * both moments are flat vectors; `step_size` and `shrinkage` are Adam's.
 */
export function buildTrainingStep({ shape, observation, label }: NormalisedShape): Uint8Array {
  const graph = createGraph('training_step');
  const index = graph.input(stepInputs.index, 'int32', ['batch']);
  const pick = (rows: Value): Value =>
    graph.node('Gather', [rows, index], ['batch', ...rows.shape.slice(1)], { axis: 0 });
  const observations = pick(graph.input(stepInputs.observation, 'float32', ['rows', shape.observationSize]));
  const task = pick(graph.input(stepInputs.task, 'int32', ['rows']));
  const labels = pick(
    label === undefined
      ? graph.input(stepInputs.label, 'int32', ['rows'])
      : graph.input(stepInputs.label, 'float32', ['rows', shape.actionSize]),
  );
  const weight = pick(graph.input(stepInputs.weight, 'float32', ['rows']));
  const stepSize = graph.input(stepInputs.stepSize, 'float32', []);
  const shrinkage = graph.input(stepInputs.shrinkage, 'float32', []);
  const size = parameterCount(shape);
  const state = {
    parameters: graph.input(stepInputs.parameters, 'float32', [size]),
    firstMoment: graph.input(stepInputs.firstMoment, 'float32', [size]),
    secondMoment: graph.input(stepInputs.secondMoment, 'float32', [size]),
  };
  const parameters = unpackParameters(graph, shape, state.parameters);
  const readings = clip(graph, normalise(graph, 'observation', observations, observation));
  const prediction = buildNetwork(graph, shape, parameters, readings, task);
  const loss =
    label === undefined
      ? softmaxCrossEntropy(graph, prediction, labels, weight)
      : meanSquaredError(graph, prediction, normalise(graph, 'action', labels, label), weight);
  const gradient = packGradients(graph, gradients(graph, loss, [...parameters.values()]), size);
  const next = adamStep(graph, state, gradient, stepSize, shrinkage);
  graph.output(stepOutputs.loss, loss);
  graph.output(stepOutputs.parameters, next.parameters);
  graph.output(stepOutputs.firstMoment, next.firstMoment);
  graph.output(stepOutputs.secondMoment, next.secondMoment);
  return graph.encode();
}

/** The network alone with its parameters as an input: what validation runs between steps. Out come scores or normalised actions. */
export function buildScoring({ shape, observation }: NormalisedShape): Uint8Array {
  const graph = createGraph('scoring');
  const observations = graph.input(stepInputs.observation, 'float32', ['batch', shape.observationSize]);
  const task = graph.input(stepInputs.task, 'int32', ['batch']);
  const flat = graph.input(stepInputs.parameters, 'float32', [parameterCount(shape)]);
  const readings = clip(graph, normalise(graph, 'observation', observations, observation));
  graph.output('prediction', buildNetwork(graph, shape, unpackParameters(graph, shape, flat), readings, task));
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
