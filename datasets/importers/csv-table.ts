import { createReadStream } from 'node:fs';

import { CsvError, parse } from 'csv-parse';

import { ImportError, quoted } from './import-summary.ts';
import type { TableColumn, TableReader, TableRow, WantedCell } from './table.ts';
import type { Tally } from './tally.ts';

export interface CsvOptions {
  /** One character between cells. */
  readonly separator: string;
  /** Mark before the fraction of a number; the point is read all the same. */
  readonly decimal: '.' | ',';
  /** Whether the first line names the columns; `auto`: it does where it begins as `columns` does. */
  readonly header: 'present' | 'absent' | 'auto';
  /** Names of the columns, where no line says them, or says them in other words. */
  readonly columns?: readonly string[] | undefined;
}

/** Rows that are handed on at once. */
const batchRows = 512;
const mostColumns = 10_000;
const mostLineBytes = 4 * 1024 * 1024;

interface Line {
  readonly place: number;
  readonly cells: readonly string[];
}

/** Text tables (RFC 4180 with any separator), one batch of lines in memory at a time. */
export const csvTableReader = (options: CsvOptions, tally: Tally): TableReader => ({
  columns: async (file) => {
    for await (const line of linesOf(file, options)) return columnsOf(file, options, line).columns;
    throw new ImportError(`expected a table, got a file without any line [file=${file}]`);
  },
  async *rows(file, wanted) {
    let places: readonly number[] | undefined;
    let width = 0;
    let batch: TableRow[] = [];
    for await (const line of linesOf(file, options)) {
      if (places === undefined) {
        const { columns, isHeader } = columnsOf(file, options, line);
        places = placesOf(file, columns, wanted);
        width = columns.length;
        if (isHeader) continue;
      }
      if (line.cells.length > width) tally.handled('linesWithMoreCells');
      if (line.cells.length < width) tally.handled('linesWithFewerCells');
      batch.push(new CsvRow(line, places, options.decimal, tally));
      if (batch.length < batchRows) continue;
      yield batch;
      batch = [];
    }
    if (places === undefined) throw new ImportError(`expected a table, got a file without any line [file=${file}]`);
    yield batch;
  },
});

class CsvRow implements TableRow {
  readonly #line: Line;
  readonly #places: readonly number[];
  readonly #decimal: string;
  readonly #tally: Tally;

  constructor(line: Line, places: readonly number[], decimal: string, tally: Tally) {
    this.#line = line;
    this.#places = places;
    this.#decimal = decimal;
    this.#tally = tally;
  }

  get place(): number {
    return this.#line.place;
  }

  text(cell: number): string {
    return this.#line.cells[this.#places[cell] ?? -1] ?? '';
  }

  number(cell: number): number {
    const text = this.text(cell);
    if (this.#decimal === '.' || !text.includes(',')) return numberOf(text);
    const number = numberOf(text.replace(',', '.'));
    if (!Number.isNaN(number)) this.#tally.handled('decimalCommas');
    return number;
  }
}

/** A decimal number; NaN for anything else, hexadecimal and infinite ones included. */
function numberOf(text: string): number {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?$/.test(text)) return Number.NaN;
  const number = Number(text);
  return Number.isFinite(number) ? number : Number.NaN;
}

/** Lines with any text in them. */
async function* linesOf(file: string, { separator }: CsvOptions): AsyncGenerator<Line> {
  const input = createReadStream(file);
  const parser = parse({
    delimiter: separator,
    info: true,
    bom: true,
    trim: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: mostLineBytes,
  });
  input.once('error', (error) => parser.destroy(error));
  try {
    for await (const { record, info } of input.pipe(parser) as AsyncIterable<WithInfo>) {
      if (record.length > mostColumns) {
        const got = `${record.length} [file=${file}, line=${info.lines}]`;
        throw new ImportError(`expected at most ${mostColumns} cells in a line, got ${got}`);
      }
      if (record.some((cell) => cell !== '')) yield { place: info.lines, cells: record };
    }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = typeof cause['lines'] === 'number' ? cause['lines'] : '?';
    const got =
      cause.code === 'CSV_MAX_RECORD_SIZE'
        ? `a line of more than ${mostLineBytes} bytes: is the separator or a quote wrong?`
        : 'a quote that is not closed or out of place';
    throw new ImportError(`expected cells between ${quoted(separator)}, got ${got} [file=${file}, line=${line}]`, {
      cause,
    });
  } finally {
    input.destroy();
    parser.destroy();
  }
}

/** With `info` a record stands beside what is known of it, which the types of the library do not say. */
interface WithInfo {
  readonly record: readonly string[];
  /** `lines`: the one it ends on, from 1. */
  readonly info: { readonly lines: number };
}

function columnsOf(
  file: string,
  { header, columns: named }: CsvOptions,
  first: Line,
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
