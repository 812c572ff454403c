import type { ParquetRowGroup } from 'parquetjs-lite';
import plain from 'parquetjs-lite/lib/codec/plain.js';
import rle from 'parquetjs-lite/lib/codec/rle.js';

import { segmentColumns, type Column, type ColumnType } from './columns.ts';
import type { PagePacking } from './page-packing.ts';
import type { SegmentRow } from './segment-row.ts';
import { parquetTypes } from './segment-schema.ts';

/**
 * The rows of a row group as pages, column by column, for the Parquet library to write. They have the bytes that the library would make of the rows, in a fraction of the
 * time: it makes objects and sets of every value, for any schema, and encodes again what all rows of an episode repeat.
 */
export class SegmentPages {
  readonly #columns: readonly PagedColumn[];
  readonly #rowsPerPage: number;
  #rows = 0;

  constructor(packing: PagePacking) {
    this.#columns = segmentColumns.map((column) => new PagedColumn(column, packing));
    this.#rowsPerPage = packing.rowsPerPage;
  }

  /** Rows since the last row group. */
  get rows(): number {
    return this.#rows;
  }

  /** Rows that still have room in the page that is being filled. */
  get rowsLeft(): number {
    return this.#rowsPerPage - (this.#rows % this.#rowsPerPage);
  }

  /** `media`: as a segment holds it. */
  add(row: SegmentRow, media: string | null): void {
    for (const column of this.#columns)
      column.add(column.name === 'media' ? media : row[column.name as keyof SegmentRow]);
    this.#rows += 1;
    if (this.#rows % this.#rowsPerPage === 0) for (const column of this.#columns) column.endPage();
  }

  /** So many frames of an episode from one on, at most {@link rowsLeft}; they share what `first`, the row of its first frame, has beside them. */
  addFrames(
    first: SegmentRow,
    media: string | null,
    frames: readonly FrameValues[],
    from: number,
    count: number,
  ): void {
    for (const column of this.#columns) {
      const { name } = column;
      const read = readers.get(name);
      if (name === 'frame_index') for (let place = from; place < from + count; place += 1) column.add(place);
      else if (read === undefined || (name === 'expert_action' && first.expert_action === null))
        column.addSame(name === 'media' ? media : first[name as keyof SegmentRow], count);
      else for (let place = from; place < from + count; place += 1) column.add(read(frames[place]));
    }
    this.#rows += count;
    if (this.#rows % this.#rowsPerPage === 0) for (const column of this.#columns) column.endPage();
  }

  /** What was added since the last row group. */
  takeGroup(): ParquetRowGroup {
    if (this.#rows % this.#rowsPerPage !== 0) for (const column of this.#columns) column.endPage();
    const group = {
      rowCount: this.#rows,
      pages: Object.fromEntries(this.#columns.map((column) => column.takePages())),
    };
    this.#rows = 0;
    return group;
  }
}

/** What a frame says. */
interface FrameValues {
  readonly atUs: number;
  readonly observation: Float32Array;
  readonly action: Float32Array;
}

type ReadFrame = (frame: FrameValues | undefined) => unknown;

/** Columns that differ from frame to frame, beside the number of the frame. */
const readers: ReadonlyMap<string, ReadFrame> = new Map<string, ReadFrame>([
  ['timestamp', (frame) => frame?.atUs],
  ['observation', (frame) => frame?.observation],
  ['action', (frame) => frame?.action],
  ['expert_action', (frame) => frame?.action],
]);

interface Page {
  readonly page: Uint8Array;
  readonly num_values: number;
}

/** What stands in pages: of a text its bytes, of a list its elements. */
function physicalType(type: ColumnType): string {
  const named = type === 'float32List' ? 'FLOAT' : parquetTypes[type];
  return named === 'UTF8' ? 'BYTE_ARRAY' : named;
}

/** A value that is not there, among {@link Content.sizes}. */
const absent = -1;

/** The page that is being filled: values that are there, and of each row how many; {@link absent} for none, 0 for an empty list. */
interface Content {
  readonly values: unknown[];
  readonly sizes: number[];
}

interface EncodedPage extends Content, Page {
  /** Repetition and definition levels as they stand in the page. */
  readonly levels: Uint8Array;
}

const noContent = (): Content => ({ values: [], sizes: [] });

class PagedColumn {
  readonly name: string;
  readonly #type: ColumnType;
  readonly #isList: boolean;
  /** Definition level of a value that is there. */
  readonly #present: number;
  #content = noContent();
  #pages: Page[] = [];
  /** The page before: what it repeats is not encoded again. */
  #last: EncodedPage | undefined;

  readonly #packed: PagePacking['packed'];

  constructor({ name, type, nullable }: Column, { packed }: PagePacking) {
    this.name = name;
    this.#packed = packed;
    this.#type = type;
    this.#isList = type === 'float32List';
    this.#present = (nullable ? 1 : 0) + (this.#isList ? 1 : 0);
  }

  add(value: unknown): void {
    const { values, sizes } = this.#content;
    if (value === null) sizes.push(absent);
    else if (this.#isList) {
      const list = value as ArrayLike<number>;
      sizes.push(list.length);
      // The library writes 0 for −0.
      for (let place = 0; place < list.length; place += 1) values.push((list[place] ?? 0) + 0);
    } else {
      sizes.push(1);
      values.push(typeof value === 'number' ? value + 0 : value);
    }
  }

  addSame(value: unknown, count: number): void {
    for (let row = 0; row < count; row += 1) this.add(value);
  }

  endPage(): void {
    const content = this.#content;
    const last = this.#last;
    const hasSameLevels = last !== undefined && areEqual(last.sizes, content.sizes);
    const encoded =
      hasSameLevels && areEqual(last.values, content.values)
        ? last
        : this.#encoded(content, hasSameLevels ? last.levels : this.#levels(content));
    // Its content is held of the last page alone.
    this.#pages.push({ page: encoded.page, num_values: encoded.num_values });
    this.#last = encoded;
    this.#content = noContent();
  }

  takePages(): readonly [string, readonly Page[]] {
    const pages = this.#pages;
    this.#pages = [];
    return [this.#isList ? `${this.name},list,element` : this.name, pages];
  }

  #levels({ sizes }: Content): Uint8Array {
    const [size = 0] = sizes;
    if (sizes.some((other) => other !== size)) return levelsOf(sizes, this.#isList, this.#present);
    // Rows of a robot type are alike, and so are the levels of its pages.
    const name = `${this.#isList} ${this.#present} ${sizes.length} ${size}`;
    const known = levelsOfAlike.get(name);
    if (known !== undefined) return known;
    if (levelsOfAlike.size >= mostLevels) levelsOfAlike.clear();
    const levels = levelsOf(sizes, this.#isList, this.#present);
    levelsOfAlike.set(name, levels);
    return levels;
  }

  #encoded(content: Content, levels: Uint8Array): EncodedPage {
    const body = Buffer.concat([levels, plainValues(physicalType(this.#type), content.values)]);
    const packed = this.#packed(body);
    const count = content.sizes.reduce((sum, size) => sum + Math.max(1, size), 0);
    return {
      ...content,
      levels,
      page: Buffer.concat([pageHeader(body.length, packed.length, count), packed]),
      num_values: count,
    };
  }
}

/** Levels of pages whose rows all have as many values. */
const levelsOfAlike = new Map<string, Uint8Array>();
const mostLevels = 1_000;

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

/** As the library writes them; numbers in the order of bytes of every processor that Node.js runs on, which is Parquet's. */
function plainValues(type: string, values: readonly unknown[]): Uint8Array {
  const numbers = values as readonly number[];
  if (type === 'FLOAT') return bytesOf(new Float32Array(numbers));
  if (type === 'DOUBLE') return bytesOf(new Float64Array(numbers));
  if (type === 'INT32') return bytesOf(new Int32Array(numbers));
  // The library changes texts to bytes in place.
  return plain.encodeValues(type, [...values], {});
}

const bytesOf = ({ buffer }: { readonly buffer: ArrayBuffer }): Uint8Array => new Uint8Array(buffer);

/** Levels from 0 to `most` as runs; nothing where there is one level only. */
const runs = (levels: readonly number[], most: number): readonly Uint8Array[] =>
  most === 0 ? [] : [rle.encodeValues('INT32', [...levels], { bitWidth: Math.ceil(Math.log2(most + 1)) })];

function areEqual(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let place = 0; place < a.length; place += 1) if (a[place] !== b[place]) return false;
  return true;
}

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
