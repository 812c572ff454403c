import {
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
export interface ArrowColumn {
  readonly name: string;
  readonly kind: 'float32' | 'int32';
  readonly size?: number;
}

const numberType = (kind: ArrowColumn['kind']): Float32 | Int32 => (kind === 'float32' ? new Float32() : new Int32());

function typeOf({ kind, size }: ArrowColumn): DataType {
  return size === undefined ? numberType(kind) : new FixedSizeList(size, new Field('item', numberType(kind), false));
}

export const arrowSchema = (columns: readonly ArrowColumn[]): Schema =>
  new Schema(columns.map((column) => new Field(column.name, typeOf(column), false)));

/** A record batch on the memory of `values` (row-major, one array a column), without copying. */
export function arrowBatch(
  schema: Schema,
  columns: readonly ArrowColumn[],
  values: readonly (Float32Array | Int32Array)[],
  rowCount: number,
): RecordBatch {
  const children = columns.map((column, index): Data => {
    const data = values[index]?.subarray(0, rowCount * (column.size ?? 1));
    const items = makeData({
      type: numberType(column.kind),
      length: rowCount * (column.size ?? 1),
      nullCount: 0,
      data,
    } as never) as Data;
    if (column.size === undefined) return items;
    return makeData({ type: typeOf(column), length: rowCount, nullCount: 0, child: items } as never) as Data;
  });
  const type = new Struct(schema.fields);
  return new RecordBatch(schema, makeData({ type, length: rowCount, nullCount: 0, children }));
}
