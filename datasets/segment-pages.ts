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

/** Values that are there, and the repetition and definition levels of all, of the page that is being filled. */
interface Content {
  readonly values: unknown[];
  readonly repetitions: number[];
  readonly definitions: number[];
}

interface EncodedPage extends Content, Page {
  /** Both kinds of levels as they stand in the page. */
  readonly levels: Uint8Array;
}

const noContent = (): Content => ({ values: [], repetitions: [], definitions: [] });

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
    const { values, repetitions, definitions } = this.#content;
    repetitions.push(0);
    if (value === null) definitions.push(0);
    else if (this.#isList) {
      const list = value as ArrayLike<number>;
      // An empty list keeps its place by its levels alone.
      definitions.push(list.length === 0 ? this.#present - 1 : this.#present);
      for (let place = 0; place < list.length; place += 1) {
        // The library writes 0 for −0.
        values.push((list[place] ?? 0) + 0);
        if (place > 0) {
          repetitions.push(1);
          definitions.push(this.#present);
        }
      }
    } else {
      definitions.push(this.#present);
      values.push(typeof value === 'number' ? value + 0 : value);
    }
  }

  endPage(): void {
    const content = this.#content;
    const last = this.#last;
    const hasSameLevels =
      last !== undefined &&
      areEqual(last.definitions, content.definitions) &&
      areEqual(last.repetitions, content.repetitions);
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

  #levels({ repetitions, definitions }: Content): Uint8Array {
    return Buffer.concat([...runs(repetitions, this.#isList ? 1 : 0), ...runs(definitions, this.#present)]);
  }

  #encoded(content: Content, levels: Uint8Array): EncodedPage {
    // The library changes texts to bytes in place.
    const values = plain.encodeValues(physicalType(this.#type), [...content.values], {});
    const body = Buffer.concat([levels, values]);
    const packed = gzipSync(body);
    const count = content.definitions.length;
    return {
      ...content,
      levels,
      page: Buffer.concat([pageHeader(body.length, packed.length, count), packed]),
      num_values: count,
    };
  }
}

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
