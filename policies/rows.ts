/** Rows as they lie in a set's file: raw values, not normalised. */
export interface RowBlock {
  readonly rows: number;
  /** [rows, observation size], row-major. */
  readonly observation: Float32Array;
  /** Readings before the present ones, [rows, frames, observation size], oldest first; absent where nobody looks back. */
  readonly past?: Float32Array;
  /** [rows], index into the set's tasks. */
  readonly task: Int32Array;
  /** Discrete: [rows] action index. Continuous: [rows, action size]. With a horizon, of all steps: [rows, horizon] and [rows, horizon, action size]. */
  readonly label: Int32Array | Float32Array;
  /** [rows], multiplies the row's loss; mean 1. With a horizon [rows, horizon], 0 where a step has no label. */
  readonly weight: Float32Array;
  /** What the network's cameras saw, one after the other in its order: [rows, height, width, 3] bytes each. Absent without cameras. */
  readonly pictures?: readonly Uint8Array[];
}

/** A column of a block: rows after each other, each of the same length. */
export type RowValues = Float32Array | Int32Array | Uint8Array;

/** One block of several: each column is what `change` makes of theirs. */
export function mapColumns(
  blocks: readonly RowBlock[],
  rows: number,
  change: <T extends RowValues>(parts: readonly T[]) => T,
): RowBlock {
  const cameras = blocks[0]?.pictures;
  const past = blocks[0]?.past === undefined ? undefined : change(blocks.map(pastOf));
  const pictures = cameras?.map((_, camera) => change(blocks.map((block) => pictureOf(block, camera))));
  return {
    rows,
    observation: change(blocks.map(({ observation }) => observation)),
    ...(past === undefined ? {} : { past }),
    task: change(blocks.map(({ task }) => task)),
    label: change<Float32Array | Int32Array>(blocks.map(({ label }) => label)),
    weight: change(blocks.map(({ weight }) => weight)),
    ...(pictures === undefined ? {} : { pictures }),
  };
}

function pastOf({ past, rows }: RowBlock): Float32Array {
  if (past === undefined)
    throw new Error(`expected readings before the present ones in every block, got ${rows} rows without`);
  return past;
}

function pictureOf({ pictures, rows }: RowBlock, camera: number): Uint8Array {
  const bytes = pictures?.[camera];
  if (bytes === undefined)
    throw new Error(`expected pictures of camera ${camera} in every block, got ${rows} rows without`);
  return bytes;
}

/**
 * Rows that are read block by block, so that memory does not depend on how many there are: a file, or whatever else can give block
 * k again and again. Blocks are the unit of shuffling and of what is held, so those with pictures stay below some 16 MiB.
 */
export interface RowSource {
  /** Rows of each block, in file order. */
  readonly blockRows: readonly number[];
  /** Rows of one block, in memory of their own. */
  read(block: number): Promise<RowBlock>;
}

export const totalRows = (source: RowSource): number => source.blockRows.reduce((total, rows) => total + rows, 0);

/** Rows [start, end) of a block, on the same memory. */
export const sliceBlock = (block: RowBlock, start: number, end: number): RowBlock =>
  mapColumns([block], end - start, ([values]) => {
    if (values === undefined) throw new Error('expected a column, got none');
    const width = values.length / block.rows;
    return values.subarray(start * width, end * width) as typeof values;
  });
