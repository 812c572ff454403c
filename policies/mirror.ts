import type { Mirror } from '../datasets/mirror.ts';
import type { RobotType } from '../datasets/robot-type.ts';
import { robotTypeName } from '../datasets/robot-type.ts';
import type { RowBlock } from './rows.ts';

/** Where each number of a mirrored row comes from, and with which sign. */
interface NumberPlan {
  readonly from: Int32Array;
  /** 1 or -1. */
  readonly sign: Float32Array;
}

/** How rows of a robot type read in a mirror, by the places of their numbers, actions and pictures. */
export interface MirrorPlan {
  readonly observations: NumberPlan;
  readonly actions: NumberPlan & { readonly kind: 'discrete' | 'continuous' };
  /** For each picture of a row: which one it is in the mirror, and its pixels a line. */
  readonly pictures: readonly { readonly from: number; readonly width: number }[];
}

type MirroredType = Pick<RobotType, 'id' | 'version' | 'observations' | 'actions' | 'mirror'>;

/**
 * Throws a RangeError, in words, for a robot type that does not say what is left and right, and where only one camera of a pair is
 * learned from.
 */
export function mirrorPlan(
  type: MirroredType,
  cameras: readonly { readonly camera: string; readonly width: number }[],
): MirrorPlan {
  const { mirror, actions, observations } = type;
  if (mirror === undefined)
    throw new RangeError(
      `expected a robot type that says what is left and right (mirror) for an augmentation with flip, got ${robotTypeName(type)}, which does not; leave flip out, or add a version of the type with mirror`,
    );
  if (actions.kind === 'none') throw new RangeError('expected a robot type with actions, got one without');
  const names = actions.kind === 'discrete' ? actions.names : actions.ranges.map(({ name }) => name);
  return {
    observations: numberPlan(
      mirror.observations,
      observations.map(({ name }) => name),
    ),
    actions: { kind: actions.kind, ...numberPlan(mirror.actions, names) },
    pictures: cameras.map(({ camera, width }) => {
      const partner = partnerOf(mirror.cameras?.swapped, camera);
      const from = cameras.findIndex((other) => other.camera === partner);
      if (from < 0)
        throw new RangeError(
          `expected training.cameras to have ${partner} as well, which changes places with ${camera} in a mirror, got ${cameras.map((other) => other.camera).join(', ')}`,
        );
      return { from, width };
    }),
  };
}

const partnerOf = (swapped: readonly (readonly [string, string])[] = [], name: string): string =>
  swapped.find((pair) => pair.includes(name))?.find((other) => other !== name) ?? name;

function numberPlan(
  { swapped, negated = [] }: NonNullable<Mirror['observations']> = {},
  names: readonly string[],
): NumberPlan {
  const places = new Map(names.map((name, place) => [name, place]));
  const signs = new Set(negated);
  return {
    from: Int32Array.from(names, (name, place) => places.get(partnerOf(swapped, name)) ?? place),
    sign: Float32Array.from(names, (name) => (signs.has(name) ? -1 : 1)),
  };
}

/** The chosen rows as in a mirror, the others as they are; what changes lies in memory of its own. Mirrored twice, every byte is as before. */
export function mirrorRows(block: RowBlock, plan: MirrorPlan, isChosen: (row: number) => boolean): RowBlock {
  const chosen = Array.from({ length: block.rows }, (_, row) => row).filter(isChosen);
  if (chosen.length === 0) return block;
  return {
    ...block,
    observation: mirrorNumbers(block.observation, block.rows, chosen, plan.observations),
    ...(block.past === undefined ? {} : { past: mirrorNumbers(block.past, block.rows, chosen, plan.observations) }),
    label: mirrorLabels(block, chosen, plan.actions),
    ...(block.pictures === undefined ? {} : { pictures: mirrorPictures(block.pictures, block.rows, chosen, plan) }),
  };
}

function mirrorNumbers(values: Float32Array, rows: number, chosen: readonly number[], plan: NumberPlan): Float32Array {
  const mirrored = values.slice();
  const size = plan.from.length;
  const width = rows === 0 ? 0 : values.length / rows;
  for (const row of chosen)
    for (let start = row * width; start < (row + 1) * width; start += size)
      for (let place = 0; place < size; place += 1)
        mirrored[start + place] = (plan.sign[place] ?? 1) * (values[start + (plan.from[place] ?? place)] ?? 0);
  return mirrored;
}

function mirrorLabels(
  { label, rows }: RowBlock,
  chosen: readonly number[],
  plan: MirrorPlan['actions'],
): RowBlock['label'] {
  if (label instanceof Float32Array) return mirrorNumbers(label, rows, chosen, plan);
  const mirrored = label.slice();
  // With a horizon a row has several labels.
  const width = label.length / rows;
  for (const row of chosen)
    for (let at = row * width; at < (row + 1) * width; at += 1)
      mirrored[at] = plan.from[label[at] ?? 0] ?? label[at] ?? 0;
  return mirrored;
}

function mirrorPictures(
  pictures: readonly Uint8Array[],
  rows: number,
  chosen: readonly number[],
  plan: MirrorPlan,
): readonly Uint8Array[] {
  return pictures.map((own, index) => {
    const { from, width } = plan.pictures[index] ?? { from: index, width: 0 };
    const seen = pictures[from] ?? own;
    const mirrored = own.slice();
    const size = own.length / rows;
    for (const row of chosen) mirrorPicture(seen.subarray(row * size, (row + 1) * size), mirrored, row * size, width);
    return mirrored;
  });
}

/** RGB pixels of each line from right to left. */
function mirrorPicture(from: Uint8Array, to: Uint8Array, start: number, width: number): void {
  for (let line = 0; line < from.length; line += 3 * width)
    for (let x = 0; x < width; x += 1) {
      const source = line + 3 * (width - 1 - x);
      const target = start + line + 3 * x;
      to[target] = from[source] ?? 0;
      to[target + 1] = from[source + 1] ?? 0;
      to[target + 2] = from[source + 2] ?? 0;
    }
}
