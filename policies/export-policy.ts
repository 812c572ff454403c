import type { RobotType } from '../datasets/robot-type.ts';
import type { CameraShape } from './images/camera-layers.ts';
import { buildNetwork, parameterLayout, type NetworkShape } from './network.ts';
import type { Normalisation } from './normalisation.ts';
import { createGraph, type Graph, type Value } from './onnx/graph.ts';
import { policyMetadataKey, policyOutput, policyPorts } from './policy-io.ts';
import { clip, normalise, pictureInputs } from './training-graph.ts';

export interface PolicyParts {
  readonly shape: NetworkShape;
  readonly parameters: Float32Array;
  readonly observation: Normalisation;
  /** For continuous actions. */
  readonly label?: Normalisation | undefined;
}

/** Names of the stored tensors besides the network's own parameters. */
export const storedNames = {
  observationMean: 'observation_mean',
  observationScale: 'observation_scale',
  actionMean: 'action_mean',
  actionScale: 'action_scale',
} as const;

/**
 * The policy as one ONNX model with normalisation baked in: robots feed raw readings. Carries names and units in its metadata
 * and nothing that changes between two trainings of the same data and seed, so these give the same bytes.
 */
export function exportPolicy({ shape, parameters, observation, label }: PolicyParts, type: RobotType): Uint8Array {
  const graph = createGraph('policy');
  const readings = readingsInput(graph, shape);
  const task = graph.input(policyPorts.task, 'int32', ['batch']);
  const pictures = pictureInputs(graph, 'batch', shape.images);
  const normalised = clip(graph, normalise(graph, 'observation', readings, observation));
  const stored = new Map(
    parameterLayout(shape).map((slot) => [
      slot.name,
      graph.constant(slot.name, parameters.subarray(slot.start, slot.start + slot.size), slot.shape),
    ]),
  );
  const result = executed(
    graph,
    shape,
    buildNetwork(graph, shape, stored, { observation: normalised, task, pictures }),
  );
  const output =
    label === undefined
      ? graph.node('Softmax', [result], result.shape, { axis: result.shape.length - 1 })
      : denormalise(graph, result, label, type);
  graph.output(policyOutput(shape.head), output);
  return graph.encode({ [policyMetadataKey]: JSON.stringify(describe(shape, type)) });
}

/** A row's numbers; with history its frames, oldest first, one after the other. */
function readingsInput(graph: Graph, { observationSize, history }: NetworkShape): Value {
  const { observation } = policyPorts;
  if (history === undefined) return graph.input(observation, 'float32', ['batch', observationSize]);
  const windows = graph.input(observation, 'float32', ['batch', history, observationSize / history]);
  const sizes = graph.constant('window_shape', BigInt64Array.of(-1n, BigInt(observationSize)), [2]);
  return graph.node('Reshape', [windows, sizes], ['batch', observationSize]);
}

/** The actions that robots execute, of all that were learned: [batch, steps, a], or [batch, a] where it is the present one alone. */
function executed(graph: Graph, { chunk, actionSize }: NetworkShape, result: Value): Value {
  if (chunk === undefined) return result;
  const { horizon, execute } = chunk;
  const width = actionSize / horizon;
  const whole = (name: string, value: number): Value => graph.constant(name, BigInt64Array.of(BigInt(value)), [1]);
  const cut = [whole('chunk_start', 0), whole('chunk_end', execute * width), whole('chunk_axis', 1)];
  const kept = execute === horizon ? result : graph.node('Slice', [result, ...cut], ['batch', execute * width]);
  if (execute === 1) return kept;
  const sizes = graph.constant('chunk_shape', BigInt64Array.of(-1n, BigInt(execute), BigInt(width)), [3]);
  return graph.node('Reshape', [kept, sizes], ['batch', execute, width]);
}

const row = (graph: Graph, name: string, values: Float32Array): Value => graph.constant(name, values, [values.length]);

/** Back to the robot type's units, cut to its ranges: no policy may command more than the robot allows. */
function denormalise(graph: Graph, result: Value, label: Normalisation, type: RobotType): Value {
  const ranges = type.actions.kind === 'continuous' ? type.actions.ranges : [];
  const deviation = label.scale.map((scale) => (scale === 0 ? 0 : 1 / scale));
  graph.constant(storedNames.actionScale, label.scale, [label.scale.length]);
  const scaled = graph.node('Mul', [result, row(graph, 'action_deviation', deviation)], result.shape);
  const shifted = graph.node('Add', [scaled, row(graph, storedNames.actionMean, label.mean)], result.shape);
  const least = row(
    graph,
    'action_min',
    Float32Array.from(ranges, (range) => range.min),
  );
  const most = row(
    graph,
    'action_max',
    Float32Array.from(ranges, (range) => range.max),
  );
  return graph.node('Min', [graph.node('Max', [shifted, least], result.shape), most], result.shape);
}

const describe = (shape: NetworkShape, type: RobotType): PolicyDescription => ({
  hiddenWidths: shape.hiddenWidths,
  taskEmbeddingSize: shape.taskEmbeddingSize,
  observations: type.observations.map(({ name, unit }) => ({ name, unit })),
  actions:
    type.actions.kind === 'continuous'
      ? type.actions.ranges.map(({ name, unit }) => ({ name, unit }))
      : type.actions.kind === 'discrete'
        ? type.actions.names.map((name) => ({ name, unit: 'probability' }))
        : [],
  tasks: type.tasks,
  ...(shape.images === undefined ? {} : { images: shape.images }),
  ...(shape.history === undefined ? {} : { history: shape.history }),
  ...(shape.chunk === undefined ? {} : { horizon: shape.chunk.horizon }),
});

/** What the metadata of a model made here says. */
export interface PolicyDescription {
  readonly hiddenWidths: readonly number[];
  readonly taskEmbeddingSize: number;
  readonly observations: readonly { readonly name: string; readonly unit: string }[];
  readonly actions: readonly { readonly name: string; readonly unit: string }[];
  readonly tasks: readonly string[];
  /** Only where it sees pictures. */
  readonly images?: readonly CameraShape[];
  /** Only where it reads more frames than the present one. */
  readonly history?: number;
  /** Only where it learned more actions than the present one. */
  readonly horizon?: number;
}
