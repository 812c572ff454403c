import { csvLines, type CsvLine } from './csv-lines.ts';
import { ImportError, quoted } from './import-summary.ts';
import {
  isNoValue,
  listCell,
  numberOfText,
  truthOfText,
  withoutGroups,
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
  /** One character between cells, or {@link anyBlanks}. */
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
  columns: async (file) => (await beginningOf(file, options)).columns,
  // Of a row that has fewer the rest is blank.
  listLength: async (file, column) => {
    const { columns, firstRow } = await beginningOf(file, options);
    return numbersOfList(firstRow[columns.findIndex(({ name }) => name === column)] ?? '')?.length;
  },
  async *rows(file, wanted) {
    let places: CellPlaces | undefined;
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

/** Where the cells of a row stand in a line. */
interface CellPlaces {
  readonly places: readonly number[];
  /** Of numbers in the list that stands there; undefined where no cell is one. */
  readonly indexes: readonly (number | undefined)[] | undefined;
}

class CsvRow implements TableRow {
  readonly #line: CsvLine;
  readonly #at: CellPlaces;
  #list: { readonly place: number; readonly numbers: readonly string[] } | undefined;
  readonly #decimal: '.' | ',';
  readonly #isGuarded: boolean;
  readonly #tally: Tally;

  constructor(line: CsvLine, at: CellPlaces, { decimal, guarded }: CsvOptions, tally: Tally) {
    this.#line = line;
    this.#at = at;
    this.#decimal = decimal;
    this.#isGuarded = guarded === true;
    this.#tally = tally;
  }

  get place(): number {
    return this.#line.place;
  }

  text(cell: number): string {
    const { places, indexes } = this.#at;
    const place = places[cell] ?? -1;
    const text = this.#line.cells[place] ?? '';
    const index = indexes === undefined ? undefined : indexes[cell];
    if (index !== undefined) return this.#inList(place, text)[index] ?? '';
    return this.#isGuarded ? withoutGuard(text) : text;
  }

  /** Every number of a list is asked for after the other. */
  #inList(place: number, text: string): readonly string[] {
    if (this.#list?.place !== place) this.#list = { place, numbers: numbersOfList(text) ?? [] };
    return this.#list.numbers;
  }

  number(cell: number): number {
    const text = this.text(cell);
    const isComma = this.#decimal === ',' && text.includes(',');
    const number = numberOfText(isComma ? text.replace(',', '.') : text);
    if (!Number.isNaN(number)) {
      if (isComma) this.#tally.handled('decimalCommas');
      return number;
    }
    const plain = withoutGroups(text, this.#decimal);
    if (plain === undefined) return truthOfText(text);
    this.#tally.handled('groupedDigits');
    return numberOfText(plain);
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

/** `[0.1, 2]`, `(0.1; 2)` or `[0.1 2]`, as programs print lists of numbers; undefined for any other text. */
function numbersOfList(text: string): readonly string[] | undefined {
  const inside = /^(?:\[([^[\]]*)\]|\(([^()]*)\))$/.exec(text);
  const numbers = (inside?.[1] ?? inside?.[2] ?? '').split(/[,;\s]+/).filter((number) => number !== '');
  const isList =
    numbers.length > 0 && numbers.every((number) => isNoValue(number) || !Number.isNaN(numberOfText(number)));
  return isList ? numbers : undefined;
}

/** What stands before the second row of a table. */
async function beginningOf(
  file: string,
  options: CsvOptions,
): Promise<{ readonly columns: readonly TableColumn[]; readonly firstRow: readonly string[] }> {
  let above = options.linesAbove ?? 0;
  let columns: readonly TableColumn[] | undefined;
  for await (const lines of csvLines(file, options.separator, options.encoding))
    for (const line of lines) {
      if (above > 0) above -= 1;
      else if (columns === undefined) {
        const { columns: named, isHeader } = columnsOf(file, options, line);
        if (!isHeader) return { columns: withLists(named, line.cells), firstRow: line.cells };
        columns = named;
        above = options.linesBelow ?? 0;
      } else return { columns: withLists(columns, line.cells), firstRow: line.cells };
    }
  if (columns === undefined) throw new ImportError(`expected a table, got a file without any line [file=${file}]`);
  return { columns, firstRow: [] };
}

const withLists = (columns: readonly TableColumn[], firstRow: readonly string[]): readonly TableColumn[] =>
  columns.map(({ name, kind }, place) => ({
    name,
    kind: numbersOfList(firstRow[place] ?? '') === undefined ? kind : 'list',
  }));

function placesOf(file: string, columns: readonly TableColumn[], wanted: readonly WantedCell[]): CellPlaces {
  const places = new Map<string, number>();
  for (const [place, { name }] of columns.entries()) {
    if (name === '' || !places.has(name)) places.set(name, place);
    else if (wanted.some(({ column }) => column === name))
      throw new ImportError(`expected column ${quoted(name)} once, got it twice [file=${file}]`);
  }
  const found = wanted.map(({ column }) => {
    const whole = places.get(column);
    if (whole !== undefined) return { place: whole, index: undefined };
    const inList = listCell(column);
    const place = places.get(inList?.column ?? '');
    return inList === undefined || place === undefined ? undefined : { place, index: inList.index };
  });
  const missing = wanted.filter((_, at) => found[at] === undefined);
  if (missing.length > 0) {
    const names = [...new Set(missing.map(({ column }) => column))].slice(0, 20).join(', ');
    throw new ImportError(`expected column ${names}, got none of that name [file=${file}, line=1]`);
  }
  const indexes = found.map((at) => at?.index);
  const areWhole = indexes.every((index) => index === undefined);
  return { places: found.map((at) => at?.place ?? -1), indexes: areWhole ? undefined : indexes };
}
