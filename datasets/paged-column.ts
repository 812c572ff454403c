import plain from 'parquetjs-lite/lib/codec/plain.js';
import rle from 'parquetjs-lite/lib/codec/rle.js';

import type { Column } from './columns.ts';
import type { PagePacking } from './page-packing.ts';
import { parquetTypes } from './segment-schema.ts';

export interface Page {
  readonly page: Uint8Array;
  readonly num_values: number;
}

/** A value that is not there, among sizes. */
const absent = -1;

/** Rows of a page that all hold the same; what nearly every page of nearly every column is. */
interface Alike {
  readonly value: unknown;
  readonly rows: number;
}

/** A column of a row group while it is filled, page by page. */
export class PagedColumn {
  readonly name: string;
  readonly #isList: boolean;
  /** What stands in pages: of a text its bytes, of a list its elements. */
  readonly #physical: string;
  /** Definition level of a value that is there. */
  readonly #present: number;
  readonly #packed: PagePacking['packed'];
  #rows = 0;
  /** As long as all rows of the page are alike. */
  #alike: unknown;
  #areAlike = true;
  /** Otherwise: values that are there, and of each row how many; {@link absent} for none, 0 for an empty list. */
  readonly #numbers: Numbers | undefined;
  #others: unknown[] = [];
  #sizes: number[] = [];
  #pages: Page[] = [];
  /** The page before, where its rows were alike: what it repeats is not encoded again. */
  #last: (Alike & Page) | undefined;

  constructor({ name, type, nullable }: Column, { packed }: PagePacking) {
    this.name = name;
    this.#packed = packed;
    this.#isList = type === 'float32List';
    const named = this.#isList ? 'FLOAT' : parquetTypes[type as Exclude<typeof type, 'float32List'>];
    this.#physical = named === 'UTF8' ? 'BYTE_ARRAY' : named;
    this.#present = (nullable ? 1 : 0) + (this.#isList ? 1 : 0);
    this.#numbers = numbersFor(this.#physical);
  }

  add(value: unknown): void {
    this.addSame(value, 1);
  }

  addSame(value: unknown, rows: number): void {
    if (this.#areAlike && !isList(value)) {
      if (this.#rows === 0) this.#alike = value;
      if (Object.is(this.#alike, value)) {
        this.#rows += rows;
        return;
      }
    }
    this.#spread();
    for (let row = 0; row < rows; row += 1) this.#keep(value);
    this.#rows += rows;
  }

  /** Rows of one number each, which are there. */
  addNumbers(values: Float64Array): void {
    this.#spread();
    this.#numbers?.append(values);
    for (let row = 0; row < values.length; row += 1) this.#sizes.push(1);
    this.#rows += values.length;
  }

  /** Rows of lists, one behind the other, of so many numbers each. */
  addLists(values: Float32Array, rows: number): void {
    this.#spread();
    this.#numbers?.append(values);
    const size = values.length / Math.max(1, rows);
    for (let row = 0; row < rows; row += 1) this.#sizes.push(size);
    this.#rows += rows;
  }

  /** From here on every row of the page is kept by itself. */
  #spread(): void {
    if (!this.#areAlike) return;
    this.#areAlike = false;
    for (let row = 0; row < this.#rows; row += 1) this.#keep(this.#alike);
  }

  #keep(value: unknown): void {
    if (value === null) this.#sizes.push(absent);
    else if (isList(value)) {
      this.#sizes.push(value.length);
      this.#numbers?.append(value);
    } else {
      this.#sizes.push(1);
      if (this.#numbers === undefined) this.#others.push(value);
      else this.#numbers.push(value as number);
    }
  }

  endPage(): void {
    const alike = this.#areAlike ? { value: this.#alike, rows: this.#rows } : undefined;
    const last = this.#last;
    const page =
      alike !== undefined && last !== undefined && last.rows === alike.rows && Object.is(last.value, alike.value)
        ? last
        : this.#encoded();
    this.#last = alike === undefined ? undefined : { ...page, ...alike };
    this.#pages.push({ page: page.page, num_values: page.num_values });
    [this.#rows, this.#alike, this.#areAlike, this.#others, this.#sizes] = [0, undefined, true, [], []];
    this.#numbers?.clear();
  }

  takePages(): readonly [string, readonly Page[]] {
    const pages = this.#pages;
    this.#pages = [];
    return [this.#isList ? `${this.name},list,element` : this.name, pages];
  }

  #encoded(): Page {
    this.#spread();
    const sizes = this.#sizes;
    const values = this.#numbers?.bytes() ?? plain.encodeValues(this.#physical, this.#others, {});
    const body = Buffer.concat([levelsFor(sizes, this.#isList, this.#present), values]);
    const packed = this.#packed(body);
    const count = sizes.reduce((sum, size) => sum + Math.max(1, size), 0);
    return { page: Buffer.concat([pageHeader(body.length, packed.length, count), packed]), num_values: count };
  }
}

const isList = (value: unknown): value is ArrayLike<number> => typeof value === 'object' && value !== null;

/** Numbers of a page, as they stand in it. */
class Numbers {
  #values: Float32Array | Float64Array;
  #length = 0;
  readonly #bytesOf: (values: Float32Array | Float64Array) => Uint8Array;

  constructor(values: Float32Array | Float64Array, bytesOf: (values: Float32Array | Float64Array) => Uint8Array) {
    this.#values = values;
    this.#bytesOf = bytesOf;
  }

  push(value: number): void {
    this.#makeRoom(1);
    // The library writes 0 for −0.
    this.#values[this.#length] = value + 0;
    this.#length += 1;
  }

  append(values: ArrayLike<number>): void {
    this.#makeRoom(values.length);
    const [into, from] = [this.#values, this.#length];
    for (let place = 0; place < values.length; place += 1) into[from + place] = (values[place] ?? 0) + 0;
    this.#length += values.length;
  }

  #makeRoom(more: number): void {
    if (this.#length + more <= this.#values.length) return;
    const room = Math.max(2 * this.#values.length, this.#length + more);
    const grown = this.#values instanceof Float32Array ? new Float32Array(room) : new Float64Array(room);
    grown.set(this.#values);
    this.#values = grown;
  }

  bytes(): Uint8Array {
    return this.#bytesOf(this.#values.subarray(0, this.#length));
  }

  clear(): void {
    this.#length = 0;
  }
}

const firstRoom = 256;

/** Undefined for what is no number; in the order of bytes of every processor that Node.js runs on, which is Parquet's. */
function numbersFor(physical: string): Numbers | undefined {
  if (physical === 'FLOAT') return new Numbers(new Float32Array(firstRoom), bytesOf);
  if (physical === 'DOUBLE') return new Numbers(new Float64Array(firstRoom), bytesOf);
  if (physical === 'INT32')
    return new Numbers(new Float64Array(firstRoom), (values) => bytesOf(Int32Array.from(values)));
  return physical === 'INT64' ? new Numbers(new Float64Array(firstRoom), wideBytes) : undefined;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Float64Array | Int32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Whole numbers of 53 bits as those of 64, in two halves: no `bigint` is made. */
function wideBytes(values: ArrayLike<number>): Uint8Array {
  const halves = new Int32Array(2 * values.length);
  for (let place = 0; place < values.length; place += 1) {
    const value = values[place] ?? 0;
    const high = Math.floor(value / 4_294_967_296);
    halves[2 * place] = value - high * 4_294_967_296;
    halves[2 * place + 1] = high;
  }
  return bytesOf(halves);
}

/** Levels of pages whose rows all have as many values. */
const levelsOfAlike = new Map<string, Uint8Array>();
const mostLevels = 1_000;

/** Rows of a robot type are alike, and so are the levels of its pages. */
function levelsFor(sizes: readonly number[], isListColumn: boolean, present: number): Uint8Array {
  const [size = 0] = sizes;
  if (sizes.some((other) => other !== size)) return levelsOf(sizes, isListColumn, present);
  const name = `${isListColumn} ${present} ${sizes.length} ${size}`;
  const known = levelsOfAlike.get(name);
  if (known !== undefined) return known;
  if (levelsOfAlike.size >= mostLevels) levelsOfAlike.clear();
  const levels = levelsOf(sizes, isListColumn, present);
  levelsOfAlike.set(name, levels);
  return levels;
}

/** Repetition and definition levels of rows with so many values each; `present`: the definition level of a value that is there. */
function levelsOf(sizes: readonly number[], isList: boolean, present: number): Uint8Array {
  const [repetitions, definitions]: [number[], number[]] = [[], []];
  for (const size of sizes) {
    repetitions.push(0);
    // An empty list keeps its place by its levels alone.
    definitions.push(size === absent ? 0 : size === 0 ? present - 1 : present);
    for (let place = 1; place < size; place += 1) {
      repetitions.push(1);
      definitions.push(present);
    }
  }
  return Buffer.concat([...runs(repetitions, isList ? 1 : 0), ...runs(definitions, present)]);
}

/** Levels from 0 to `most` as runs; nothing where there is one level only. */
const runs = (levels: readonly number[], most: number): readonly Uint8Array[] =>
  most === 0 ? [] : [rle.encodeValues('INT32', [...levels], { bitWidth: Math.ceil(Math.log2(most + 1)) })];

/** A header of a data page in Thrift's compact protocol: kind of page 0, both sizes, and of the data their number, plain encoding (0), run-length levels (3). */
const pageHeader = (sizeBytes: number, packedBytes: number, values: number): Uint8Array =>
  Uint8Array.from(
    [0, sizeBytes, packedBytes]
      .flatMap(int32Field)
      .concat(nextButOneIsStruct, [values, 0, 3, 3].flatMap(int32Field), endOfStruct, endOfStruct),
  );

const nextButOneIsStruct = 0x2c;
const endOfStruct = 0;

/** The next field of a struct, a number ≥ 0: in zigzag, seven bits a byte. */
function int32Field(value: number): readonly number[] {
  const bytes = [0x15];
  let rest = value * 2;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}
