import {
  Bool,
  DateDay,
  Field,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  Schema,
  Struct,
  TimestampMicrosecond,
  Utf8,
} from 'apache-arrow';
import type { DataType } from 'apache-arrow';
import type { ParquetField } from 'parquetjs-lite';

import type { Column, ColumnType } from './columns.ts';
import { sqlName } from './sql-types.ts';

/**
 * A segment carries instants as plain 64-bit microseconds and media as JSON text, because every Parquet writer can
 * write those; the lake has proper types for them (`sqlTypes`).
 */
const sqlTypesInSegment: Readonly<Record<ColumnType, string>> = {
  string: 'VARCHAR',
  int32: 'INTEGER',
  int64: 'BIGINT',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'BIGINT',
  date: 'DATE',
  float32List: 'FLOAT[]',
  mediaList: 'VARCHAR',
};

/** The engine's type of a column as a segment holds it. */
export const segmentSqlType = (column: Column): string => sqlTypesInSegment[column.type];

/** Columns as a select list over segments; a nullable column that an older segment lacks reads as NULL. */
export const segmentSelect = (columns: readonly Column[], absent: ReadonlySet<string>): string =>
  columns
    .map((column) => {
      const name = sqlName(column.name);
      return absent.has(column.name) ? `NULL::${segmentSqlType(column)} AS ${name}` : name;
    })
    .join(', ');

/** The columns as the recorder's Parquet schema: compressed pages, three-level lists, no statistics (nobody reads them here). */
export const parquetFields = (
  columns: readonly Column[],
  compression: 'GZIP' | 'ZSTD' = 'GZIP',
): Readonly<Record<string, ParquetField>> =>
  Object.fromEntries(columns.map((column) => [column.name, parquetField(column, compression)]));

function parquetField({ type, nullable }: Column, compression: 'GZIP' | 'ZSTD'): ParquetField {
  const leaf = { compression, statistics: false } as const;
  if (type === 'float32List') {
    // Only the outer group is a LIST: readers other than DuckDB refuse a file whose inner group says so too, as agents wrote before 2026-11-26.
    const list: ParquetField = { repeated: true, fields: { element: { type: 'FLOAT', ...leaf } } };
    return { type: 'LIST', optional: nullable, fields: { list } };
  }
  return { type: parquetTypes[type], optional: nullable, ...leaf };
}

/** How the library names what a column's values are. */
export const parquetTypes = {
  string: 'UTF8',
  int32: 'INT32',
  int64: 'INT64',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'INT64',
  date: 'INT32',
  mediaList: 'UTF8',
} as const satisfies Record<Exclude<ColumnType, 'float32List'>, ParquetField['type']>;

/** The columns as an Arrow schema with the lake's types, for programs that exchange rows without SQL. */
export const arrowSchema = (columns: readonly Column[]): Schema =>
  new Schema(columns.map(({ name, type, nullable }) => new Field(name, arrowTypes[type](), nullable)));

const utf8 = (name: string): Field => new Field(name, new Utf8(), true);
const arrowTypes: Readonly<Record<ColumnType, () => DataType>> = {
  string: () => new Utf8(),
  int32: () => new Int32(),
  int64: () => new Int64(),
  float32: () => new Float32(),
  float64: () => new Float64(),
  boolean: () => new Bool(),
  timestamp: () => new TimestampMicrosecond('UTC'),
  date: () => new DateDay(),
  float32List: () => new List(new Field('element', new Float32(), false)),
  mediaList: () =>
    new List(
      new Field(
        'element',
        new Struct([
          utf8('sha256'),
          utf8('kind'),
          new Field('startedAt', new TimestampMicrosecond('UTC'), true),
          new Field('durationMs', new Int64(), true),
          utf8('key'),
        ]),
        true,
      ),
    ),
};
