import type { BodyMap, MappedValue } from '../datasets/bodies/body-map.ts';
import type { RobotType } from '../datasets/robot-type.ts';
import { storedNames } from './export-policy.ts';
import { parameterLayout, type NetworkShape } from './network.ts';
import type { Normalisation } from './normalisation.ts';

/** A model's own body, and how it is read from the one that is trained for. */
export interface GrownBody {
  readonly type: RobotType;
  /** Its readings from those of the new body; undefined for one that is gone without a fill: it is taken at its mean. */
  readonly readings: readonly (MappedValue | undefined)[];
  /** Its actions as those of the new body. */
  readonly actions: BodyMap['actions'];
}

export interface GrowInput {
  readonly shape: NetworkShape;
  /** What is trained for. */
  readonly type: RobotType;
  readonly observation: Normalisation;
  readonly label?: Normalisation | undefined;
  readonly body: GrownBody;
  /** Tensors of the model by name. */
  readonly stored: ReadonlyMap<string, Float32Array>;
  /** Changed in place. */
  readonly fresh: Float32Array;
}

const last = (shape: NetworkShape): number => shape.hiddenWidths.length;

/** Parameters whose size follows the body; and the first bias, which takes what the change of scale leaves. */
export const grownSlots = (shape: NetworkShape): ReadonlySet<string> =>
  new Set(['layer0_weight', 'layer0_bias', `layer${last(shape)}_weight`, `layer${last(shape)}_bias`]);

/**
 * First and last layer of a network for a new body that answers as the model does for its own: what the model read is read through the
 * rules between the two, a new reading has weight zero, and one that is gone counts with its fill or its mean. A discrete action
 * that the model did not know starts as the least likely of those it knew, a continuous one at its fill. Needs a hidden layer.
 */
export function growBody(input: GrowInput): void {
  growInputs(input);
  growOutputs(input);
}

function growInputs({ shape, type, observation, body, stored, fresh }: GrowInput): void {
  const mean = stored.get(storedNames.observationMean);
  const scale = stored.get(storedNames.observationScale);
  const from = stored.get('layer0_weight') ?? new Float32Array();
  const weight = parameter(shape, fresh, 'layer0_weight').fill(0);
  const bias = parameter(shape, fresh, 'layer0_bias');
  const units = bias.length;
  bias.set(stored.get('layer0_bias') ?? bias);
  const places = new Map(type.observations.map(({ name }, index) => [name, index]));
  for (const [input, value] of body.readings.entries()) {
    if (value === undefined) continue;
    const [oldMean, oldScale] = [mean?.[input] ?? 0, scale?.[input] ?? 1];
    const place = 'fill' in value ? -1 : (places.get(value.from) ?? -1);
    const newScale = observation.scale[place] ?? 0;
    const level = 'fill' in value ? value.fill : value.factor * (observation.mean[place] ?? 0) + value.offset;
    const offset = (level - oldMean) * oldScale;
    const factor = 'fill' in value || newScale === 0 ? 0 : (value.factor * oldScale) / newScale;
    for (let unit = 0; unit < units; unit += 1) {
      const known = from[input * units + unit] ?? 0;
      bias[unit] = (bias[unit] ?? 0) + known * offset;
      if (place >= 0) weight[place * units + unit] = (weight[place * units + unit] ?? 0) + known * factor;
    }
  }
}

interface Output {
  /** Output of the model that it comes from. */
  readonly from: number | undefined;
  readonly factor: number;
  readonly bias: number;
}

function growOutputs(input: GrowInput): void {
  const { shape, stored, fresh } = input;
  const [weightName, biasName] = [`layer${last(shape)}_weight`, `layer${last(shape)}_bias`];
  const fromWeight = stored.get(weightName) ?? new Float32Array();
  const fromBias = stored.get(biasName) ?? new Float32Array();
  const weight = parameter(shape, fresh, weightName);
  const bias = parameter(shape, fresh, biasName);
  for (const [index, { from, factor, bias: start }] of outputsOf(input, fromBias).entries()) {
    bias[index] = start;
    for (let unit = 0; unit < weight.length / bias.length; unit += 1)
      weight[unit * bias.length + index] =
        from === undefined ? 0 : (fromWeight[unit * fromBias.length + from] ?? 0) * factor;
  }
}

function outputsOf({ type, label, body, stored }: GrowInput, bias: Float32Array): readonly Output[] {
  const { actions } = body;
  if (actions.kind === 'discrete' && type.actions.kind === 'discrete')
    return type.actions.names.map((name) => {
      const from = actions.names.indexOf(name);
      return from < 0
        ? { from: undefined, factor: 0, bias: Math.min(...bias) }
        : { from, factor: 1, bias: bias[from] ?? 0 };
    });
  if (actions.kind !== 'continuous' || body.type.actions.kind !== 'continuous') return [];
  const places = new Map(body.type.actions.ranges.map(({ name }, index) => [name, index]));
  const [oldMean, oldScale] = [stored.get(storedNames.actionMean), stored.get(storedNames.actionScale)];
  return actions.ranges.map((range, index) => {
    const [newMean, newScale] = [label?.mean[index] ?? 0, label?.scale[index] ?? 0];
    if ('fill' in range) return { from: undefined, factor: 0, bias: (range.fill - newMean) * newScale };
    const from = places.get(range.from) ?? -1;
    const scale = oldScale?.[from] ?? 0;
    const factor = scale === 0 ? 0 : (range.factor * newScale) / scale;
    const level = range.factor * (oldMean?.[from] ?? 0) + range.offset;
    return { from, factor, bias: (bias[from] ?? 0) * factor + (level - newMean) * newScale };
  });
}

function parameter(shape: NetworkShape, flat: Float32Array, name: string): Float32Array {
  const slot = parameterLayout(shape).find((candidate) => candidate.name === name);
  if (slot === undefined) throw new Error(`expected a parameter ${name}, got none`);
  return flat.subarray(slot.start, slot.start + slot.size);
}
