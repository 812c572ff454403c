import type { TableReader } from '../table.ts';

/** Reads data files: a feature of one number is a number in some and a list of one in others, whatever wrote them. */
export const dataReader = (reader: TableReader): TableReader => ({
  ...reader,
  columns: (file) => reader.columns(file),
  async *rows(file, wanted) {
    const lists = new Set((await reader.columns(file)).filter(({ kind }) => kind === 'list').map(({ name }) => name));
    const cells = wanted.map((cell) => (lists.has(cell.column) ? { ...cell, column: `${cell.column}[0]` } : cell));
    yield* reader.rows(file, cells);
  },
});
