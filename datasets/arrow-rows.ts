import {
  Binary,
  Field,
  FixedSizeList,
  Float32,
  Int32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  type Data,
  type DataType,
} from 'apache-arrow';

/** A column of a set of rows: `size` values a row; scalar when undefined. */
export interface NumberColumn {
  readonly name: string;
  readonly kind: 'float32' | 'int32';
  readonly size?: number;
}

/** A column of bytes: an image a row. */
export interface BinaryColumn {
  readonly name: string;
  readonly kind: 'binary';
}

export type ArrowColumn = NumberColumn | BinaryColumn;

/** Bytes of rows, one after another: row i has those from `offsets[i]` to before `offsets[i + 1]`. */
export interface BinaryValues {
  readonly offsets: Int32Array;
  readonly bytes: Uint8Array;
}

export type ColumnValues = Float32Array | Int32Array | BinaryValues;

const numberType = (kind: NumberColumn['kind']): Float32 | Int32 => (kind === 'float32' ? new Float32() : new Int32());

function typeOf(column: ArrowColumn): DataType {
  if (column.kind === 'binary') return new Binary();
  const { kind, size } = column;
  return size === undefined ? numberType(kind) : new FixedSizeList(size, new Field('item', numberType(kind), false));
}

export const arrowSchema = (columns: readonly ArrowColumn[]): Schema =>
  new Schema(columns.map((column) => new Field(column.name, typeOf(column), false)));

/** A record batch on the memory of `values` (row-major, one array a column), without copying. */
export function arrowBatch(
  schema: Schema,
  columns: readonly ArrowColumn[],
  values: readonly (ColumnValues | undefined)[],
  rowCount: number,
): RecordBatch {
  const children = columns.map((column, index) => dataOf(column, values[index], rowCount));
  const type = new Struct(schema.fields);
  return new RecordBatch(schema, makeData({ type, length: rowCount, nullCount: 0, children }));
}

function dataOf(column: ArrowColumn, values: ColumnValues | undefined, rowCount: number): Data {
  const type = typeOf(column);
  if (column.kind === 'binary') {
    const { offsets, bytes } = values as BinaryValues;
    return makeData({ type, length: rowCount, nullCount: 0, valueOffsets: offsets, data: bytes } as never) as Data;
  }
  const length = rowCount * (column.size ?? 1);
  const data = (values as Float32Array | Int32Array | undefined)?.subarray(0, length);
  const items = makeData({ type: numberType(column.kind), length, nullCount: 0, data } as never) as Data;
  if (column.size === undefined) return items;
  return makeData({ type, length: rowCount, nullCount: 0, child: items } as never) as Data;
}
