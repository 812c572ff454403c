import { z } from 'zod';

import type { RowBlock } from './rows.ts';
import type { ModelPort } from './runtime.ts';

/** Actions of a chunk at most: that of the present frame and 63 after it. */
const mostSteps = 64;

/** How many actions a policy learns to answer at once, that of the present frame included; one that answers that alone does not say it. */
export const horizonSchema = z.int().min(2).max(mostSteps);

/** How many of the actions that it learned a policy answers, and robots execute before they ask again. */
export const executeSchema = z.int().min(1).max(mostSteps);

/** Actions learned at once, and how many of them the model answers. */
export interface ChunkPlan {
  readonly horizon: number;
  readonly execute: number;
}

/** Undefined for a policy that learns the present action alone; a RangeError, in words, for what cannot be. */
export function chunkPlan({
  horizon,
  execute,
}: {
  readonly horizon?: number | undefined;
  readonly execute?: number | undefined;
}): ChunkPlan | undefined {
  if (horizon === undefined && execute !== undefined)
    throw new RangeError(`expected a horizon, of whose actions ${execute} are executed, got none`);
  if (horizon === undefined) return undefined;
  if (execute !== undefined && execute > horizon)
    throw new RangeError(`expected at most the ${horizon} actions of the horizon to execute, got ${execute}`);
  return { horizon, execute: execute ?? horizon };
}

/** Whether a model's axis of actions can be that of a chunk. */
export const isHorizon = (steps: number | string | undefined): steps is number =>
  typeof steps === 'number' && steps >= 2 && steps <= mostSteps;

/** Actions that a model answers at once, as its output says: [batch, steps, a]; 1 for [batch, a]. Robots execute all of them before they ask again. */
export function horizonOf({ outputs }: { readonly outputs: readonly ModelPort[] }): number {
  const shape = outputs.find(({ name }) => name === 'probabilities' || name === 'action')?.shape ?? [];
  return shape.length === 3 && isHorizon(shape[1]) ? shape[1] : 1;
}

/** Labels of the frames after each row, the last there is for those that are not there, whose index is −1. */
export interface Future {
  /** [rows, steps, label size]. */
  readonly labels: RowBlock['label'];
  /** [rows, steps]. */
  readonly frames: Int32Array;
}

/**
 * Rows whose label is that of all steps of their chunk, one after the other: [rows, horizon, label size]. The weight is of each step, [rows, horizon]: that of the row,
 * 0 where there is no label to learn.
 */
export function chunkRows(block: RowBlock, { labels, frames }: Future): RowBlock {
  const { rows } = block;
  if (rows === 0) return block;
  const steps = frames.length / rows;
  const width = block.label.length / rows;
  const label =
    block.label instanceof Float32Array
      ? new Float32Array(rows * (1 + steps) * width)
      : new Int32Array(rows * (1 + steps) * width);
  const weight = new Float32Array(rows * (1 + steps));
  for (let row = 0; row < rows; row += 1) {
    const start = row * (1 + steps);
    label.set(block.label.subarray(row * width, (row + 1) * width), start * width);
    label.set(labels.subarray(row * steps * width, (row + 1) * steps * width), (start + 1) * width);
    weight[start] = block.weight[row] ?? 0;
    for (let step = 0; step < steps; step += 1)
      weight[start + 1 + step] = (frames[row * steps + step] ?? -1) < 0 ? 0 : (block.weight[row] ?? 0);
  }
  return { ...block, label, weight };
}
