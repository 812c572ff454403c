import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';

import { CsvError, parse, type Parser } from 'csv-parse';

import { ImportError, quoted } from './import-summary.ts';
import { numberOfText, type TableColumn, type TableReader, type TableRow, type WantedCell } from './table.ts';
import { withoutGuard } from './text-guard.ts';
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
  /** Texts that a spreadsheet would take for a formula have an apostrophe before them, as `export csv` writes it, that is not theirs. */
  readonly guarded?: boolean;
}

/** Rows that are handed on at once, fewer where they are long. */
const batchRows = 512;
const batchBytes = 4 * 1024 * 1024;
const mostColumns = 10_000;
const mostLineBytes = 4 * 1024 * 1024;

interface Line {
  readonly place: number;
  /** What it takes in the file, blank lines before it included. */
  readonly bytes: number;
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
    let bytes = 0;
    for await (const line of linesOf(file, options)) {
      if (places === undefined) {
        const { columns, isHeader } = columnsOf(file, options, line);
        places = placesOf(file, columns, wanted);
        width = columns.length;
        if (isHeader) continue;
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
  readonly #line: Line;
  readonly #places: readonly number[];
  readonly #decimal: string;
  readonly #isGuarded: boolean;
  readonly #tally: Tally;

  constructor(line: Line, places: readonly number[], { decimal, guarded }: CsvOptions, tally: Tally) {
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
    if (this.#decimal === '.' || !text.includes(',')) return numberOfText(text);
    const number = numberOfText(text.replace(',', '.'));
    if (!Number.isNaN(number)) this.#tally.handled('decimalCommas');
    return number;
  }
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
  // Whatever ends the one ends the other; what went wrong comes out of the loop below.
  pipeline(
    input,
    (chunks: AsyncIterable<Buffer>) => untilTooLong(chunks, parser, file, separator),
    parser,
    () => {},
  );
  let end = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<WithInfo>) {
      if (record.length > mostColumns) {
        const got = `${record.length} [file=${file}, line=${info.lines}]`;
        throw new ImportError(`expected at most ${mostColumns} cells in a line, got ${got}`);
      }
      if (record.some((cell) => cell !== '')) yield { place: info.lines, bytes: info.bytes - end, cells: record };
      end = info.bytes;
    }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = typeof cause['lines'] === 'number' ? cause['lines'] : '?';
    const got = cause.code === 'CSV_MAX_RECORD_SIZE' ? tooLong : 'a quote that is not closed or out of place';
    throw notCells(separator, got, file, line, cause);
  } finally {
    input.destroy();
    parser.destroy();
  }
}

const tooLong = `a line of more than ${mostLineBytes} bytes: is the separator or a quote wrong?`;

const notCells = (separator: string, got: string, file: string, line: number | string, cause?: unknown): ImportError =>
  new ImportError(`expected cells between ${quoted(separator)}, got ${got} [file=${file}, line=${line}]`, { cause });

/** Passes a file on to the parser, which counts the text of cells only, for as long as lines end: separators and blanks count here. */
async function* untilTooLong(
  chunks: AsyncIterable<Buffer>,
  parser: Parser,
  file: string,
  separator: string,
): AsyncGenerator<Buffer> {
  const { info } = parser;
  let ended = 0;
  let open = 0;
  for await (const chunk of chunks) {
    yield chunk;
    const now = info.records + info.empty_lines;
    open = now === ended ? open + chunk.length : 0;
    ended = now;
    // What the parser has not looked at yet may end the line.
    if (open - parser.writableLength > mostLineBytes) throw notCells(separator, tooLong, file, info.lines);
  }
}

/** With `info` a record stands beside what is known of it, which the types of the library do not say. */
interface WithInfo {
  readonly record: readonly string[];
  /** `lines`: the one it ends on, from 1; `bytes`: where it ends in the file. */
  readonly info: { readonly lines: number; readonly bytes: number };
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
