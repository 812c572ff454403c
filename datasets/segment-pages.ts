import { gzipSync } from 'node:zlib';

import type { ParquetRowGroup } from 'parquetjs-lite';
import plain from 'parquetjs-lite/lib/codec/plain.js';
import rle from 'parquetjs-lite/lib/codec/rle.js';

import { segmentColumns, type Column, type ColumnType } from './columns.ts';
import type { SegmentRow } from './segment-row.ts';
import { parquetTypes } from './segment-schema.ts';

/** Rows a page: readers judge pages of this size, and small ones compress fast. */
const rowsPerPage = 256;

/**
 * The rows of a row group as pages, column by column, for the Parquet library to write. They have the bytes that the library would make of the rows, in a fraction of the
 * time: it makes objects and sets of every value, for any schema, and encodes again what all rows of an episode repeat.
 */
export class SegmentPages {
  readonly #columns = segmentColumns.map((column) => new PagedColumn(column));
  #rows = 0;

  /** Rows since the last row group. */
  get rows(): number {
    return this.#rows;
  }

  /** `media`: as a segment holds it. */
  add(row: SegmentRow, media: string | null): void {
    for (const column of this.#columns)
      column.add(column.name === 'media' ? media : row[column.name as keyof SegmentRow]);
    this.#rows += 1;
    if (this.#rows % rowsPerPage === 0) for (const column of this.#columns) column.endPage();
  }

  /** What was added since the last row group. */
  takeGroup(): ParquetRowGroup {
    if (this.#rows % rowsPerPage !== 0) for (const column of this.#columns) column.endPage();
    const group = {
      rowCount: this.#rows,
      pages: Object.fromEntries(this.#columns.map((column) => column.takePages())),
    };
    this.#rows = 0;
    return group;
  }
}

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

  constructor({ name, type, nullable }: Column) {
    this.name = name;
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
    const [repetitions, definitions]: [number[], number[]] = [[], []];
    for (const size of sizes) {
      repetitions.push(0);
      // An empty list keeps its place by its levels alone.
      definitions.push(size === absent ? 0 : size === 0 ? this.#present - 1 : this.#present);
      for (let place = 1; place < size; place += 1) {
        repetitions.push(1);
        definitions.push(this.#present);
      }
    }
    return Buffer.concat([...runs(repetitions, this.#isList ? 1 : 0), ...runs(definitions, this.#present)]);
  }

  #encoded(content: Content, levels: Uint8Array): EncodedPage {
    const body = Buffer.concat([levels, plainValues(physicalType(this.#type), content.values)]);
    const packed = gzipSync(body);
    const count = content.sizes.reduce((sum, size) => sum + Math.max(1, size), 0);
    return {
      ...content,
      levels,
      page: Buffer.concat([pageHeader(body.length, packed.length, count), packed]),
      num_values: count,
    };
  }
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
