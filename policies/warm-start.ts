import { z } from 'zod';

import type { RobotType } from '../datasets/robot-type.ts';
import { storedNames } from './export-policy.ts';
import { growBody, grownSlots, type GrownBody } from './grown-body.ts';
import { parameterLayout, type NetworkShape } from './network.ts';
import type { Normalisation } from './normalisation.ts';
import { decodeModel, elementTypes } from './onnx/wire-format.ts';
import { policyMetadataKey } from './policy-io.ts';

const named = z.array(z.object({ name: z.string() }));
const descriptionSchema = z.object({
  hiddenWidths: z.array(z.int()),
  taskEmbeddingSize: z.int(),
  observations: named,
  actions: named,
  tasks: z.array(z.string()),
  images: z.array(z.unknown()).default([]),
  history: z.int().default(1),
  horizon: z.int().default(1),
});

export interface WarmStartInput {
  readonly model: Uint8Array;
  readonly shape: NetworkShape;
  readonly type: RobotType;
  readonly observation: Normalisation;
  readonly label?: Normalisation | undefined;
  /** Where the model was made for another body. */
  readonly body?: GrownBody | undefined;
  /** Where a parameter has no counterpart in the model; changed in place and returned. */
  readonly fresh: Float32Array;
}

export type WarmStart =
  | { readonly kind: 'warm'; readonly parameters: Float32Array }
  | { readonly kind: 'cold'; readonly reason: string };

/**
 * Starting parameters that make the network answer as `model` does, although observations are normalised by other data now:
 * the change of scale and mean is folded into the first layer, that of the actions into the last one. A task that the model does not
 * know starts as the mean of those it knows. Under the same normalisation the answers for known tasks are bit-equal. Cold, with the
 * reason, when the model was not made here or has another architecture, observations or actions. A model of another body starts one that reads
 * as it did: see {@link growBody}.
 */
export function warmStart(input: WarmStartInput): WarmStart {
  const { shape, type, fresh } = input;
  const { graph, metadataProps } = decodeModel(input.model);
  const text = metadataProps.find(({ key }) => key === policyMetadataKey)?.value;
  if (text === undefined) return cold('the model was not made by this trainer');
  const description = descriptionSchema.parse(JSON.parse(text));
  if (!sameList(description.hiddenWidths, shape.hiddenWidths)) return cold('other hidden widths');
  if (!sameList(description.images, shape.images ?? [])) return cold('other cameras, or seen by other blocks');
  if (description.history !== (shape.history ?? 1)) return cold('another history');
  if (description.horizon !== (shape.chunk?.horizon ?? 1)) return cold('another horizon');
  const body = input.body;
  if (body !== undefined && shape.history !== undefined) return cold('another body, and history');
  if (body !== undefined && shape.chunk !== undefined) return cold('another body, and a horizon');
  const [observations, actions] = [description.observations.map(nameOf), description.actions.map(nameOf)];
  const own = body?.type ?? type;
  if (!sameList(observations, own.observations.map(nameOf))) return cold('other observations');
  if (!sameList(actions, actionNames(own))) return cold('other actions');
  if (body !== undefined && shape.hiddenWidths.length === 0) return cold('another body, and no hidden layer');
  if (
    hasEmbedding(description.tasks) &&
    hasEmbedding(type.tasks) &&
    description.taskEmbeddingSize !== shape.taskEmbeddingSize
  )
    return cold('another size of the task embedding');

  const stored = new Map(
    graph.initializer
      .filter((tensor) => tensor.dataType === elementTypes.float32 && tensor.rawData !== undefined)
      .map((tensor) => [tensor.name, new Float32Array(Uint8Array.from(tensor.rawData ?? []).buffer)]),
  );
  for (const slot of parameterLayout(shape)) {
    const values = stored.get(slot.name);
    const target = fresh.subarray(slot.start, slot.start + slot.size);
    if (body !== undefined && grownSlots(shape).has(slot.name)) continue;
    if (slot.name === 'task_embedding')
      copyTasks(values, description.tasks, target, type.tasks, shape.taskEmbeddingSize);
    else if (values !== undefined) target.set(values);
  }
  if (body !== undefined) {
    growBody({ ...input, body, stored });
    return { kind: 'warm', parameters: fresh };
  }
  foldObservations(input, stored);
  if (input.label !== undefined) foldActions(input.shape, input.label, stored, fresh);
  return { kind: 'warm', parameters: fresh };
}

const cold = (reason: string): WarmStart => ({ kind: 'cold', reason });
const hasEmbedding = (tasks: readonly string[]): boolean => tasks.length > 1;
const nameOf = ({ name }: { readonly name: string }): string => name;
const sameList = <T>(a: readonly T[], b: readonly T[]): boolean => JSON.stringify(a) === JSON.stringify(b);

const actionNames = (type: RobotType): readonly string[] => {
  if (type.actions.kind === 'discrete') return type.actions.names;
  return type.actions.kind === 'continuous' ? type.actions.ranges.map(nameOf) : [];
};

/** A model of one task has no embeddings: all start at zero, where they say nothing. */
function copyTasks(
  from: Float32Array | undefined,
  known: readonly string[],
  to: Float32Array,
  tasks: readonly string[],
  size: number,
): void {
  to.fill(0);
  if (from === undefined) return;
  const mean = Float32Array.from({ length: size }, (_, place) => {
    let sum = 0;
    for (let row = 0; row < known.length; row += 1) sum += from[row * size + place] ?? 0;
    return sum / known.length;
  });
  const rowOf = new Map(known.map((task, row) => [task, row]));
  tasks.forEach((task, row) => {
    const source = rowOf.get(task);
    to.set(source === undefined ? mean : from.subarray(source * size, (source + 1) * size), row * size);
  });
}

/** old = new × (oldScale / newScale) + (newMean - oldMean) × oldScale: the factor goes into the weights, the offset into the bias. */
function foldObservations(
  { shape, observation, fresh }: WarmStartInput,
  stored: ReadonlyMap<string, Float32Array>,
): void {
  const oldMean = stored.get(storedNames.observationMean) ?? observation.mean;
  const oldScale = stored.get(storedNames.observationScale) ?? observation.scale;
  const weight = parameter(shape, fresh, 'layer0_weight');
  const bias = parameter(shape, fresh, 'layer0_bias');
  for (let column = 0; column < shape.observationSize; column += 1) {
    const scale = observation.scale[column] ?? 0;
    const factor = scale === 0 ? 0 : (oldScale[column] ?? 0) / scale;
    const offset = ((observation.mean[column] ?? 0) - (oldMean[column] ?? 0)) * (oldScale[column] ?? 0);
    for (let unit = 0; unit < bias.length; unit += 1) {
      const value = weight[column * bias.length + unit] ?? 0;
      bias[unit] = (bias[unit] ?? 0) + value * offset;
      weight[column * bias.length + unit] = value * factor;
    }
  }
}

/** new = (old / oldScale + oldMean - newMean) × newScale; an action that did not vary before starts from its mean. */
function foldActions(
  shape: NetworkShape,
  label: Normalisation,
  stored: ReadonlyMap<string, Float32Array>,
  fresh: Float32Array,
): void {
  const oldMean = stored.get(storedNames.actionMean) ?? label.mean;
  const oldScale = stored.get(storedNames.actionScale) ?? label.scale;
  const last = shape.hiddenWidths.length;
  const weight = parameter(shape, fresh, `layer${last}_weight`);
  const bias = parameter(shape, fresh, `layer${last}_bias`);
  for (let output = 0; output < bias.length; output += 1) {
    // The actions of a chunk come one after the other.
    const action = output % label.scale.length;
    const scale = label.scale[action] ?? 0;
    const factor = oldScale[action] === 0 ? 0 : scale / (oldScale[action] ?? 1);
    for (let index = output; index < weight.length; index += bias.length) weight[index] = (weight[index] ?? 0) * factor;
    bias[output] = (bias[output] ?? 0) * factor + ((oldMean[action] ?? 0) - (label.mean[action] ?? 0)) * scale;
  }
}

function parameter(shape: NetworkShape, flat: Float32Array, name: string): Float32Array {
  const slot = parameterLayout(shape).find((candidate) => candidate.name === name);
  if (slot === undefined) throw new Error(`expected a parameter ${name}, got none`);
  return flat.subarray(slot.start, slot.start + slot.size);
}
