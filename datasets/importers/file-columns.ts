import { posix } from 'node:path';

import type { SourceFile, TableBatch, TableReader, TableRow, WantedCell } from './table.ts';

/** Columns of every table that say where a row comes from: the folder right above its file, and the file without its extensions. */
export const [folderColumn, fileColumn] = ['@folder', '@file'] as const;

const isFileColumn = ({ column }: WantedCell): boolean => column === folderColumn || column === fileColumn;

/** Empty for a file at the top of a recording. */
export const folderOf = (name: string): string => posix.basename(posix.dirname(`./${name}`)).replace(/^\.$/, '');

/** Rows of a file, with the cells of {@link folderColumn} and {@link fileColumn} beside those of the table. */
export async function* rowsOfFile(
  reader: TableReader,
  { path, name }: SourceFile,
  wanted: readonly WantedCell[],
): AsyncGenerator<TableBatch> {
  if (!wanted.some(isFileColumn)) return yield* reader.rows(path, wanted);
  const folder = folderOf(name);
  const file = posix.basename(name).replace(/(?<=.)\..*$/s, '');
  let own = 0;
  const cells = wanted.map((cell) =>
    isFileColumn(cell) ? (cell.column === folderColumn ? folder : file) : (own += 1) - 1,
  );
  const ofTable = wanted.filter((cell) => !isFileColumn(cell));
  for await (const batch of reader.rows(path, ofTable)) yield Array.from(batch, (row) => new RowOfFile(row, cells));
}

class RowOfFile implements TableRow {
  readonly #row: TableRow;
  /** For each cell its place in the row of the table, or its text. */
  readonly #cells: readonly (number | string)[];

  constructor(row: TableRow, cells: readonly (number | string)[]) {
    this.#row = row;
    this.#cells = cells;
  }

  get place(): number {
    return this.#row.place;
  }

  get isEvent(): boolean {
    return this.#row.isEvent === true;
  }

  get isAfterGap(): boolean {
    return this.#row.isAfterGap === true;
  }

  text(cell: number): string {
    const at = this.#cells[cell] ?? '';
    return typeof at === 'string' ? at : this.#row.text(at);
  }

  number(cell: number): number {
    const at = this.#cells[cell] ?? '';
    return typeof at === 'string' ? Number.NaN : this.#row.number(at);
  }

  missing(cell: number): string | undefined {
    const at = this.#cells[cell];
    return typeof at === 'number' ? this.#row.missing?.(at) : undefined;
  }

  saidUs(cell: number): number | undefined {
    const at = this.#cells[cell];
    return typeof at === 'number' ? this.#row.saidUs?.(at) : undefined;
  }
}
