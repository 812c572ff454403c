import { csvLines, type CsvLine } from './csv-lines.ts';
import { ImportError, quoted } from './import-summary.ts';
import {
  numberOfText,
  truthOfText,
  type TableColumn,
  type TableReader,
  type TableRow,
  type WantedCell,
} from './table.ts';
import type { TableEncoding } from './text-encoding.ts';
import { withoutGuard } from './text-guard.ts';
import type { Tally } from './tally.ts';

export interface CsvOptions {
  /** Of the characters; without one UTF-8, or UTF-16 with a byte order mark. */
  readonly encoding?: TableEncoding | undefined;
  /** One character between cells. */
  readonly separator: string;
  /** Mark before the fraction of a number; the point is read all the same. */
  readonly decimal: '.' | ',';
  /** Whether the first line names the columns; `auto`: it does where it begins as `columns` does. */
  readonly header: 'present' | 'absent' | 'auto';
  /** Names of the columns, where no line says them, or says them in other words. */
  readonly columns?: readonly string[] | undefined;
  /** Lines of text above the header or, without one, above the first row. */
  readonly linesAbove?: number;
  /** Lines of text between the header and the first row, e.g. of units. */
  readonly linesBelow?: number;
  /** Texts that a spreadsheet would take for a formula have an apostrophe before them, as `export csv` writes it, that is not theirs. */
  readonly guarded?: boolean;
}

/** Rows that are handed on at once, fewer where they are long. */
const batchRows = 512;
const batchBytes = 4 * 1024 * 1024;

/** Text tables (RFC 4180 with any separator), one batch of lines in memory at a time. */
export const csvTableReader = (options: CsvOptions, tally: Tally): TableReader => ({
  columns: async (file) => {
    let above = options.linesAbove ?? 0;
    for await (const lines of csvLines(file, options.separator, options.encoding)) {
      const line = lines[above];
      if (line !== undefined) return columnsOf(file, options, line).columns;
      above -= lines.length;
    }
    throw new ImportError(`expected a table, got a file without any line [file=${file}]`);
  },
  async *rows(file, wanted) {
    let places: readonly number[] | undefined;
    let width = 0;
    let passed = options.linesAbove ?? 0;
    let batch: TableRow[] = [];
    let bytes = 0;
    for await (const lines of csvLines(file, options.separator, options.encoding))
      for (const line of lines) {
        if (passed > 0) {
          passed -= 1;
          tally.handled('linesThatAreNoRows');
          continue;
        }
        if (places === undefined) {
          const { columns, isHeader } = columnsOf(file, options, line);
          places = placesOf(file, columns, wanted);
          width = columns.length;
          passed = options.linesBelow ?? 0;
          if (isHeader) continue;
          if (passed > 0)
            throw new ImportError(`map, csv.linesBelow: expected 0 where no line names the columns [file=${file}]`);
        }
        if (line.cells.length > width) tally.handled('linesWithMoreCells');
        if (line.cells.length < width) tally.handled('linesWithFewerCells');
        batch.push(new CsvRow(line, places, options, tally));
        bytes += line.bytes;
        if (batch.length < batchRows && bytes < batchBytes) continue;
        yield batch;
        [batch, bytes] = [[], 0];
      }
    if (places === undefined) throw new ImportError(`expected a table, got a file without any line [file=${file}]`);
    yield batch;
  },
});

class CsvRow implements TableRow {
  readonly #line: CsvLine;
  readonly #places: readonly number[];
  readonly #decimal: string;
  readonly #isGuarded: boolean;
  readonly #tally: Tally;

  constructor(line: CsvLine, places: readonly number[], { decimal, guarded }: CsvOptions, tally: Tally) {
    this.#line = line;
    this.#places = places;
    this.#decimal = decimal;
    this.#isGuarded = guarded === true;
    this.#tally = tally;
  }

  get place(): number {
    return this.#line.place;
  }

  text(cell: number): string {
    const text = this.#line.cells[this.#places[cell] ?? -1] ?? '';
    return this.#isGuarded ? withoutGuard(text) : text;
  }

  number(cell: number): number {
    const text = this.text(cell);
    if (this.#decimal === '.' || !text.includes(',')) {
      const number = numberOfText(text);
      return Number.isNaN(number) ? truthOfText(text) : number;
    }
    const number = numberOfText(text.replace(',', '.'));
    if (!Number.isNaN(number)) this.#tally.handled('decimalCommas');
    return number;
  }
}

function columnsOf(
  file: string,
  { header, columns: named }: CsvOptions,
  first: CsvLine,
): { readonly columns: readonly TableColumn[]; readonly isHeader: boolean } {
  const isHeader = header === 'auto' ? first.cells[0] === named?.[0] : header === 'present';
  if (!isHeader && named === undefined)
    throw new ImportError(`expected names of the columns in the map of a table without a header [file=${file}]`);
  const names = named ?? first.cells;
  return { isHeader, columns: names.map((name) => ({ name, kind: 'text' as const })) };
}

function placesOf(file: string, columns: readonly TableColumn[], wanted: readonly WantedCell[]): readonly number[] {
  const places = new Map<string, number>();
  for (const [place, { name }] of columns.entries()) {
    if (name === '' || !places.has(name)) places.set(name, place);
    else if (wanted.some(({ column }) => column === name))
      throw new ImportError(`expected column ${quoted(name)} once, got it twice [file=${file}]`);
  }
  const missing = wanted.filter(({ column }) => !places.has(column));
  if (missing.length > 0) {
    const names = [...new Set(missing.map(({ column }) => column))].slice(0, 20).join(', ');
    throw new ImportError(`expected column ${names}, got none of that name [file=${file}, line=1]`);
  }
  return wanted.map(({ column }) => places.get(column) ?? -1);
}
