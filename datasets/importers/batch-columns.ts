import type { ResolvedMap, ValueRule } from './resolve-map.ts';
import type { CellColumn, TableBatch } from './table.ts';

/**
 * Rows of a batch, read a column at a time: of every row its time and numbers, and whether it is alike, a frame that says nothing else than the row
 * before it. Whatever another row may be and mean, `RowReader` alone says. Counts nothing; valid until the next batch.
 */
export class BatchColumns {
  readonly #map: ResolvedMap;
  readonly #said: readonly number[];
  readonly observationWidth: number;
  readonly actionWidth: number;
  atUs = new Float64Array();
  /** One row behind the other. */
  observations = new Float32Array();
  actions = new Float32Array();
  #isAlike = new Uint8Array();
  #length = 0;

  constructor(map: ResolvedMap) {
    this.#map = map;
    this.#said = saidCells(map);
    this.observationWidth = map.observations.length;
    this.actionWidth = map.discrete === undefined ? map.ranges.length : 1;
  }

  /** False where a reading stands in texts, or the format has no columns. `timeOf`: of a row, NaN where it has none. */
  read(batch: TableBatch, timeOf: (row: number) => number): boolean {
    const { cells, length } = batch;
    const { observations, ranges, discrete } = this.#map;
    if (cells === undefined) return false;
    const areNumbers = (rule: ValueRule): boolean => 'fill' in rule || cells[rule.cell] instanceof Float64Array;
    if (!observations.every(areNumbers) || !ranges.every(areNumbers)) return false;
    this.#begin(length);
    for (let row = 0; row < length; row += 1) {
      const atUs = timeOf(row);
      this.atUs[row] = atUs;
      if (Number.isNaN(atUs)) this.#isAlike[row] = 0;
    }
    this.#readNumbers(observations, cells, this.observations);
    this.#readNumbers(ranges, cells, this.actions);
    if (discrete !== undefined) this.#readDiscrete(discrete, batch);
    for (const cell of this.#said) this.#compare(cells[cell] ?? []);
    return true;
  }

  /** The end of the rows from one on that are all alike. */
  alikeUntil(from: number): number {
    let end = from;
    while (end < this.#length && this.#isAlike[end] === 1) end += 1;
    return end;
  }

  #begin(length: number): void {
    this.#length = length;
    if (this.#isAlike.length < length) {
      this.#isAlike = new Uint8Array(length);
      this.atUs = new Float64Array(length);
      this.observations = new Float32Array(length * this.observationWidth);
      this.actions = new Float32Array(length * this.actionWidth);
    }
    this.#isAlike.fill(1);
  }

  #readNumbers(rules: readonly ValueRule[], cells: readonly CellColumn[], into: Float32Array): void {
    const [isAlike, length, width] = [this.#isAlike, this.#length, rules.length];
    for (const [first, rule] of rules.entries()) {
      const { factor, offset } = 'fill' in rule ? { factor: 0, offset: rule.fill } : rule;
      const values = 'fill' in rule ? undefined : (cells[rule.cell] as Float64Array);
      for (let row = 0, to = first; row < length; row += 1, to += width) {
        into[to] = values === undefined ? offset : (values[row] ?? Number.NaN) * factor + offset;
        if (!Number.isFinite(into[to])) isAlike[row] = 0;
      }
    }
  }

  #readDiscrete({ cell, indexOf }: NonNullable<ResolvedMap['discrete']>, batch: TableBatch): void {
    const column = batch.cells?.[cell] ?? [];
    let index: number | undefined;
    for (let row = 0; row < this.#length; row += 1) {
      if (row === 0 || !isSame(column[row], column[row - 1])) index = indexOf.get(batch.at(row)?.text(cell) ?? '');
      if (index === undefined) this.#isAlike[row] = 0;
      else this.actions[row] = index;
    }
  }

  #compare(column: CellColumn): void {
    for (let row = 1; row < this.#length; row += 1) if (!isSame(column[row], column[row - 1])) this.#isAlike[row] = 0;
  }
}

/** What says where a row belongs, and how its episode ended. */
const saidCells = ({ robotCell, taskCell, siteCell, boundaryCell, idCell, successCells }: ResolvedMap) =>
  [robotCell, taskCell, siteCell, boundaryCell, idCell, ...successCells].filter((cell) => cell !== undefined);

/** A number that is not there is the same as another that is not. */
const isSame = (a: number | string | undefined, b: number | string | undefined): boolean =>
  a === b || (Number.isNaN(a) && Number.isNaN(b));
