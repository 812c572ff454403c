/** Counts of one task in one block. */
export interface TaskCounts {
  readonly successes: number;
  readonly episodes: number;
}

/**
 * Counts of many blocks, a row for each block and task. One array of numbers and no object by name, because a week of a fleet has a quarter of a million
 * rows and every tick reads them all.
 */
export interface TaskTable {
  /** Names of tasks, which more are added to; rows hold places in it. */
  readonly names: readonly string[];
  /** {@link rowSize} numbers a row: place of the name, successes, episodes. */
  readonly rows: Float64Array;
}
export const rowSize = 3;

/** The counts of one block by task: its rows, `start` inclusive to `end` exclusive, each task once at most. Never changes. */
export class TaskRows {
  readonly table: TaskTable;
  readonly start: number;
  readonly end: number;

  constructor(table: TaskTable, start: number, end: number) {
    this.table = table;
    this.start = start;
    this.end = end;
  }

  /** Each count times the factor. */
  times(factor: number): TaskRows {
    const { start, end, table } = this;
    const given = table.rows.subarray(start * rowSize, end * rowSize);
    const rows = given.map((value, index) => (index % rowSize === 0 ? value : value * factor));
    return new TaskRows({ names: table.names, rows }, 0, end - start);
  }

  /** By name, in the order of the rows. */
  entries(): [string, TaskCounts][] {
    const { names, rows } = this.table;
    return Array.from({ length: this.end - this.start }, (_, index) => {
      const at = (this.start + index) * rowSize;
      return [names[rows[at] ?? -1] ?? '', { successes: rows[at + 1] ?? 0, episodes: rows[at + 2] ?? 0 }];
    });
  }
}
