import type { RobotType } from '../../datasets/robot-type.ts';
import type { RowBlock } from '../../policies/rows.ts';
import type { BenchSet } from './rows.ts';

/** The set as it was when the catalogue had the first share of its tasks only, 0–1; at least one. */
export function withTasks(set: BenchSet, share: number): BenchSet {
  const { tasks } = set.type;
  const known = Math.max(1, Math.floor(tasks.length * share));
  const part = (block: RowBlock): RowBlock => pick(block, (row) => (block.task[row] ?? 0) < known);
  return { ...parts(set, part), type: { ...set.type, tasks: tasks.slice(0, known) } };
}

/** A set, and the same one as the body of before saw it. */
export interface GrownSet {
  readonly before: BenchSet;
  /** Rows of the set; its type is the next version, which says how it follows the one of before. */
  readonly after: BenchSet;
}

/** The set of a body that has the last so many features for the first time; older data reads them as 0. */
export function grownBody(set: BenchSet, features: number): GrownSet {
  const added = set.type.observations.slice(-features);
  const observations = added.map(({ name }) => ({ name, is: 'new' as const, fill: 0 }));
  const { version } = set.type;
  const type: RobotType = { ...set.type, version: version + 1, follows: { version, observations } };
  return { before: withFeatures(set, features), after: { ...set, type } };
}

/** The set as a body saw it that had not yet the last so many features. */
export function withFeatures(set: BenchSet, missing: number): BenchSet {
  const { observations } = set.type;
  const kept = observations.length - missing;
  const type: RobotType = { ...set.type, observations: observations.slice(0, kept) };
  const part = (block: RowBlock): RowBlock => ({
    ...block,
    observation: block.observation.filter((_, index) => index % observations.length < kept),
  });
  return { ...parts(set, part), type };
}

const parts = (set: BenchSet, part: (block: RowBlock) => RowBlock): BenchSet => ({
  ...set,
  train: part(set.train),
  validation: part(set.validation),
  heldout: part(set.heldout),
});

function pick(block: RowBlock, isKept: (row: number) => boolean): RowBlock {
  const rows = Array.from({ length: block.rows }, (_, row) => row).filter(isKept);
  const width = (values: { readonly length: number }): number => values.length / block.rows;
  const of = (values: ArrayLike<number>): number[] =>
    rows.flatMap((row) =>
      Array.from({ length: width(values) }, (_, place) => values[row * width(values) + place] ?? 0),
    );
  return {
    rows: rows.length,
    observation: Float32Array.from(of(block.observation)),
    task: Int32Array.from(of(block.task)),
    label: block.label instanceof Int32Array ? Int32Array.from(of(block.label)) : Float32Array.from(of(block.label)),
    weight: Float32Array.from(of(block.weight)),
  };
}
