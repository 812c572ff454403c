import { randomStream, shuffle } from './random.ts';

/** Consecutive rows of an epoch's order, made of whole blocks; inside, rows are shuffled together. */
export interface OrderGroup {
  readonly blocks: readonly number[];
  /** Where the group begins in the epoch's order. */
  readonly start: number;
  readonly rows: number;
}

export interface OrderInput {
  readonly blockRows: readonly number[];
  /** Groups close once they hold so many rows: the memory that shuffling takes. */
  readonly groupRows: number;
  readonly seed: number;
  readonly epoch: number;
}

/**
 * The order of one epoch, a pure function of (seed, epoch): blocks in random order, packed into groups of at least
 * `groupRows` rows (the last may be smaller). With `groupOrder` each row comes exactly once an epoch.
 */
export function epochGroups({ blockRows, groupRows, seed, epoch }: OrderInput): readonly OrderGroup[] {
  const order = shuffle(
    Int32Array.from({ length: blockRows.length }, (_, block) => block),
    randomStream(seed, `blocks of epoch ${epoch}`),
  );
  const groups: OrderGroup[] = [];
  let blocks: number[] = [];
  let start = 0;
  let rows = 0;
  order.forEach((block, position) => {
    blocks.push(block);
    rows += blockRows[block] ?? 0;
    if (rows < groupRows && position < order.length - 1) return;
    groups.push({ blocks, start, rows });
    [blocks, start, rows] = [[], start + rows, 0];
  });
  return groups;
}

/** The order of rows inside a group, 0-based over its blocks in their order. */
export const groupOrder = (rows: number, seed: number, epoch: number, group: number): Int32Array =>
  shuffle(
    Int32Array.from({ length: rows }, (_, row) => row),
    randomStream(seed, `rows of epoch ${epoch}, group ${group}`),
  );

/** Steps in an epoch: whole batches only (what remains comes in another epoch's order), one when there are fewer rows than a batch. */
export const stepsInEpoch = (rows: number, batchSize: number): number => Math.max(1, Math.floor(rows / batchSize));
