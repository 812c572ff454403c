import { instantUs } from './source-time.ts';
import type { SourceFile } from './table-episodes.ts';
import type { TableReader } from './table.ts';

/** What stands in a column, over all rows of all files. */
export interface MeasuredColumn {
  readonly name: string;
  /** `number` where every cell that is not blank holds one, `instant` likewise; else `text`. */
  readonly kind: 'number' | 'instant' | 'text';
  readonly min: number;
  readonly max: number;
  readonly blanks: number;
  /** The different texts in the order of their first row; undefined when there are more than 64. */
  readonly values: readonly string[] | undefined;
  /** Middle of the positive steps from row to row among the first 10,000; NaN without one. In µs for instants. */
  readonly middleStep: number;
}

export interface Measured {
  readonly rows: number;
  readonly columns: readonly MeasuredColumn[];
}

const mostValues = 64;
/** Of a text, which may be a name, a time or a task. */
const mostCharacters = 300;
const mostSteps = 10_000;

/** Reads the tables and measures every column that is asked for, as many at once as the reader bears; memory does not grow with them. */
export async function measureColumns(
  reader: TableReader,
  files: readonly SourceFile[],
  names: readonly string[],
): Promise<Measured> {
  const atOnce = reader.columnsAtOnce ?? names.length;
  const columns: MeasuredColumn[] = [];
  let rows = 0;
  for (let first = 0; first === 0 || first < names.length; first += atOnce) {
    const measured = await measureGroup(reader, files, names.slice(first, first + atOnce));
    rows = measured.rows;
    columns.push(...measured.columns);
  }
  return { rows, columns };
}

async function measureGroup(
  reader: TableReader,
  files: readonly SourceFile[],
  names: readonly string[],
): Promise<Measured> {
  const columns = names.map((name) => new ColumnMeasure(name));
  const wanted = names.flatMap((column) => [
    { column, as: 'text' as const, mostCharacters },
    { column, as: 'number' as const },
  ]);
  let rows = 0;
  for (const { path } of files)
    for await (const batch of reader.rows(path, wanted))
      for (const row of batch) {
        rows += 1;
        for (const [place, column] of columns.entries()) column.see(row.text(2 * place), row.number(2 * place + 1));
      }
  return { rows, columns: columns.map((column) => column.result()) };
}

/** Measures one column by its cells, in their order. */
export class ColumnMeasure {
  readonly #name: string;
  readonly #values = new Set<string>();
  readonly #steps: number[] = [];
  #seen = 0;
  #numbers = 0;
  #instants = 0;
  #blanks = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #last = Number.NaN;

  constructor(name: string) {
    this.#name = name;
  }

  see(text: string, number: number): void {
    if (text === '' && Number.isNaN(number)) {
      this.#blanks += 1;
      return;
    }
    this.#seen += 1;
    if (this.#values.size <= mostValues) this.#values.add(text.slice(0, mostCharacters));
    if (Number.isFinite(number)) {
      this.#numbers += 1;
      this.#min = Math.min(this.#min, number);
      this.#max = Math.max(this.#max, number);
      this.#step(number);
    } else if (this.#numbers === 0) {
      // Only while it may be a time: asking every text would cost more than all the rest.
      const us = this.#instants === this.#seen - 1 ? instantUs(text, 'UTC') : Number.NaN;
      if (Number.isNaN(us)) return;
      this.#instants += 1;
      this.#step(us);
    }
  }

  #step(value: number): void {
    if (value > this.#last && this.#steps.length < mostSteps) this.#steps.push(value - this.#last);
    this.#last = value;
  }

  result(): MeasuredColumn {
    const isNumber = this.#seen > 0 && this.#numbers === this.#seen;
    const isInstant = this.#seen > 0 && this.#instants === this.#seen;
    const steps = this.#steps.toSorted((a, b) => a - b);
    return {
      name: this.#name,
      kind: isNumber ? 'number' : isInstant ? 'instant' : 'text',
      min: this.#min,
      max: this.#max,
      blanks: this.#blanks,
      values: this.#values.size > mostValues ? undefined : [...this.#values],
      middleStep: steps[Math.floor(steps.length / 2)] ?? Number.NaN,
    };
  }
}
