import { rowsOfFile } from './file-columns.ts';
import { dateOrders, instantUs, type DateOrder } from './source-time.ts';
import type { SourceFile } from './table.ts';
import { isNoValue, truthOfText, type TableReader } from './table.ts';

/** What stands in a column, over all rows of all files. */
export interface MeasuredColumn {
  readonly name: string;
  /** What all cells that are not blank hold, but for one in twenty at most: a `number`, a date (`instant`) or a time of day (`clock`); else `text`. */
  readonly kind: 'number' | 'instant' | 'clock' | 'text';
  /** Of instants: how their dates may be written, the likeliest first. */
  readonly orders: readonly DateOrder[];
  readonly min: number;
  readonly max: number;
  readonly blanks: number;
  /** Cells of a column of numbers or times that hold something else. */
  readonly unreadable: number;
  /** The different texts in the order of their first row; undefined when there are more than 64. */
  readonly values: readonly string[] | undefined;
  /** Every number is a whole one. */
  readonly areWhole: boolean;
  /** Every text is `true` or `false`. */
  readonly areTruths: boolean;
  /** Middle of the positive steps from row to row among the first 10,000; NaN without one. In µs for instants. */
  readonly middleStep: number;
  /** Steps among all rows: with the same value as the row before, to a smaller one, and longer than ten middle ones among the first 10,000. */
  readonly repeats: number;
  readonly falls: number;
  readonly gaps: number;
  /** The first text; empty where there is none. */
  readonly example: string;
  /** Rows in a row that have the same number, at most. */
  readonly longestStill: number;
  /** Stretches of rows with the same text. */
  readonly runs: number;
  /** First and last value, in µs for instants; NaN without one. */
  readonly first: number;
  readonly last: number;
}

export interface Measured {
  readonly rows: number;
  readonly columns: readonly MeasuredColumn[];
}

const mostValues = 64;
/** Of a text, which may be a name, a time or a task. */
const mostCharacters = 300;
const mostSteps = 10_000;
/** Of the cells with something in them, in a column of numbers or times. */
const leastFraction = 0.95;
const clock = /^\d\d?:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:\s?[AaPp]\.?[Mm]\.?)?$/;
/** For times of day. */
const anyDay = '2020-01-01';
/** In middle steps. */
const longStep = 10;

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
  for (const file of files)
    for await (const batch of rowsOfFile(reader, file, wanted))
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
  readonly #counts = { seen: 0, numbers: 0, instants: 0, blanks: 0, noValues: 0, repeats: 0, falls: 0, runs: 0 };
  #orders: readonly DateOrder[] = dateOrders;
  #isClock = false;
  #example = '';
  #text: string | undefined;
  #still = 1;
  #longestStill = 0;
  #areWhole = true;
  #areTruths = true;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #first = Number.NaN;
  #last = Number.NaN;

  constructor(name: string) {
    this.#name = name;
  }

  see(text: string, number: number): void {
    const counts = this.#counts;
    if (text === '' && Number.isNaN(number)) {
      counts.blanks += 1;
      return;
    }
    counts.seen += 1;
    if (counts.seen === 1) this.#example = text.slice(0, mostCharacters);
    if (text !== this.#text) counts.runs += 1;
    this.#text = text;
    if (this.#values.size <= mostValues) this.#values.add(text.slice(0, mostCharacters));
    if (Number.isFinite(number)) {
      counts.numbers += 1;
      this.#min = Math.min(this.#min, number);
      this.#max = Math.max(this.#max, number);
      this.#areWhole &&= Number.isInteger(number);
      this.#areTruths &&= !Number.isNaN(truthOfText(text));
      // A stray number among times, as a sum below a table, is no step of theirs.
      if (counts.instants < counts.numbers) this.#step(number);
      return;
    }
    if (isNoValue(text)) {
      counts.noValues += 1;
      return;
    }
    // Only while it may be a time: asking every text would cost more than all the rest.
    if (counts.instants < leastFraction * (counts.seen - counts.noValues - 1) - 1) return;
    const us = this.#timeOf(text);
    if (Number.isNaN(us)) return;
    counts.instants += 1;
    this.#step(us);
  }

  /** By the first of the ways to write a date in which every date so far was one. */
  #timeOf(text: string): number {
    if (this.#counts.instants === 0) this.#isClock = clock.test(text);
    if (this.#isClock) return clock.test(text) ? instantUs(`${anyDay} ${text}`, 'UTC') : Number.NaN;
    const orders = this.#orders.filter((order) => !Number.isNaN(instantUs(text, 'UTC', order)));
    const [order] = orders;
    if (order === undefined) return Number.NaN;
    this.#orders = orders;
    return instantUs(text, 'UTC', order);
  }

  #step(value: number): void {
    if (value > this.#last && this.#steps.length < mostSteps) this.#steps.push(value - this.#last);
    if (value === this.#last) {
      this.#counts.repeats += 1;
      this.#still += 1;
    } else this.#still = 1;
    this.#longestStill = Math.max(this.#longestStill, this.#still);
    if (value < this.#last) this.#counts.falls += 1;
    if (Number.isNaN(this.#first)) this.#first = value;
    this.#last = value;
  }

  result(): MeasuredColumn {
    const { seen, numbers, instants, blanks, noValues, repeats, falls, runs } = this.#counts;
    const least = leastFraction * (seen - noValues);
    const isNumber = numbers > 0 && numbers >= least;
    const isInstant = instants > 0 && instants >= least;
    const steps = this.#steps.toSorted((a, b) => a - b);
    const middleStep = steps[Math.floor(steps.length / 2)] ?? Number.NaN;
    return {
      name: this.#name,
      kind: isNumber ? 'number' : !isInstant ? 'text' : this.#isClock ? 'clock' : 'instant',
      orders: this.#orders,
      min: this.#min,
      max: this.#max,
      blanks: blanks + (isNumber || isInstant ? noValues : 0),
      unreadable: isNumber || isInstant ? seen - noValues - (isNumber ? numbers : instants) : 0,
      values: this.#values.size > mostValues ? undefined : [...this.#values],
      areWhole: isNumber && this.#areWhole,
      areTruths: isNumber && this.#areTruths,
      middleStep,
      repeats,
      falls,
      longestStill: this.#longestStill,
      example: this.#example,
      runs,
      gaps: steps.filter((step) => step > longStep * middleStep).length,
      first: this.#first,
      last: this.#last,
    };
  }
}
