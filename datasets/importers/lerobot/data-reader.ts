import type { TableReader } from '../table.ts';

/** Reads data files: a feature of one number is a number in some and a list of one in others, whatever wrote them. `images` are read by others. */
export const dataReader = (reader: TableReader, images: ReadonlySet<string> = new Set()): TableReader => ({
  ...reader,
  columns: async (file) => (await reader.columns(file)).filter(({ name }) => !images.has(name)),
  async *rows(file, wanted) {
    const lists = new Set((await reader.columns(file)).filter(({ kind }) => kind === 'list').map(({ name }) => name));
    const cells = wanted.map((cell) => (lists.has(cell.column) ? { ...cell, column: `${cell.column}[0]` } : cell));
    yield* reader.rows(file, cells);
  },
});
