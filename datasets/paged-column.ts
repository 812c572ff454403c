import type { Column } from './columns.ts';
import { absent, RowSizes } from './page-levels.ts';
import type { PagePacking } from './page-packing.ts';
import { pageValues, type PageValues } from './page-values.ts';
import { parquetTypes } from './segment-schema.ts';

export interface Page {
  readonly page: Uint8Array;
  readonly num_values: number;
}

/** Rows of a page that all hold the same; what nearly every page of nearly every column is. */
interface Alike {
  readonly value: unknown;
  readonly rows: number;
}

/** A column of a row group while it is filled, page by page. */
export class PagedColumn {
  readonly name: string;
  readonly #isList: boolean;
  /** Definition level of a value that is there. */
  readonly #present: number;
  readonly #packed: PagePacking['packed'];
  #rows = 0;
  /** As long as all rows of the page are alike. */
  #alike: unknown;
  #areAlike = true;
  /** Otherwise: values that are there, and of each row how many. */
  readonly #values: PageValues;
  readonly #sizes = new RowSizes();
  #pages: Page[] = [];
  /** The page before, where its rows were alike: what it repeats is not encoded again. */
  #last: (Alike & Page) | undefined;

  constructor({ name, type, nullable }: Column, { packed }: PagePacking) {
    this.name = name;
    this.#packed = packed;
    this.#isList = type === 'float32List';
    this.#present = (nullable ? 1 : 0) + (this.#isList ? 1 : 0);
    this.#values = pageValues(type === 'float32List' ? 'FLOAT' : parquetTypes[type]);
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
    this.#keep(value, rows);
    this.#rows += rows;
  }

  /** Rows of one number each, which are there. */
  addNumbers(values: Float64Array): void {
    this.#spread();
    this.#values.addNumbers(values);
    this.#sizes.add(1, values.length);
    this.#rows += values.length;
  }

  /** Rows of lists, one behind the other, of as many numbers each. */
  addLists(values: Float32Array, rows: number): void {
    this.#spread();
    this.#values.addNumbers(values);
    this.#sizes.add(values.length / Math.max(1, rows), rows);
    this.#rows += rows;
  }

  /** From here on values of the page are kept by themselves. */
  #spread(): void {
    if (!this.#areAlike) return;
    this.#areAlike = false;
    if (this.#rows > 0) this.#keep(this.#alike, this.#rows);
  }

  #keep(value: unknown, rows: number): void {
    if (isList(value)) {
      for (let row = 0; row < rows; row += 1) this.#values.addNumbers(value);
      this.#sizes.add(value.length, rows);
    } else {
      if (value !== null) this.#values.add(value, rows);
      this.#sizes.add(value === null ? absent : 1, rows);
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
    [this.#rows, this.#alike, this.#areAlike] = [0, undefined, true];
    this.#values.clear();
    this.#sizes.clear();
  }

  takePages(): readonly [string, readonly Page[]] {
    const pages = this.#pages;
    this.#pages = [];
    return [this.#isList ? `${this.name},list,element` : this.name, pages];
  }

  #encoded(): Page {
    this.#spread();
    const count = this.#sizes.places;
    const levels = this.#sizes.levels(this.#isList, this.#present);
    const values = this.#values.bytes();
    const body = levels.length === 0 ? values : Buffer.concat([...levels, values]);
    const packed = this.#packed(body);
    return { page: Buffer.concat([pageHeader(body.length, packed.length, count), packed]), num_values: count };
  }
}

const isList = (value: unknown): value is ArrayLike<number> => typeof value === 'object' && value !== null;

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
