/** Rows as they lie in a set's file: raw values, not normalised. */
export interface RowBlock {
  readonly rows: number;
  /** [rows, observation size], row-major. */
  readonly observation: Float32Array;
  /** [rows], index into the set's tasks. */
  readonly task: Int32Array;
  /** Discrete: [rows] action index. Continuous: [rows, action size]. */
  readonly label: Int32Array | Float32Array;
  /** [rows], multiplies the row's loss; mean 1. */
  readonly weight: Float32Array;
}

/** A file of rows that is read block by block, so that memory does not depend on its length. */
export interface RowSource {
  /** Rows of each block, in file order. */
  readonly blockRows: readonly number[];
  /** Rows of one block, in memory of their own. */
  read(block: number): Promise<RowBlock>;
}

export const totalRows = (source: RowSource): number => source.blockRows.reduce((total, rows) => total + rows, 0);

/** Rows [start, end) of a block, on the same memory. */
export function sliceBlock(block: RowBlock, start: number, end: number): RowBlock {
  const cut = <T extends Float32Array | Int32Array>(values: T): T => {
    const width = values.length / block.rows;
    return values.subarray(start * width, end * width) as T;
  };
  return {
    rows: end - start,
    observation: cut(block.observation),
    task: cut(block.task),
    label: cut(block.label),
    weight: cut(block.weight),
  };
}
