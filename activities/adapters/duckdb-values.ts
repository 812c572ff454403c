import {
  createDuckDBValueConverter,
  doubleFromDecimalValue,
  DuckDBDateValue,
  DuckDBMapValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTypeId,
  JSDuckDBValueConverter,
  type DuckDBValue,
  type DuckDBValueConverter,
} from '@duckdb/node-api';
import { failure } from '../../store/failures.ts';
import type { SqlValue } from '../ports/sql.ts';
import { dictionary } from '../../domain/dictionary.ts';

/** NULL is spoken of apart from values. */
type Value = Exclude<SqlValue, null>;
type Converter = DuckDBValueConverter<Value>;

const asIs: Converter = (value) => value as Value;

/** Integers a double holds exactly become numbers, others stay bigint. */
const integer: Converter = (value) => {
  if (typeof value !== 'bigint') return value as Value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};

const unsupported: Converter = (_value, type) => {
  throw failure('EngineFailed', `expected a column type that a row can carry, got ${type.toString()}; cast it in SQL`);
};

const timestamp: Converter = (value) =>
  value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue ? value.micros : null;

const text: Converter = (value) => String(value);

/** The vendor's own converter takes lists, structs and maps apart and comes back here for what is inside. */
const nested: Converter = (value, type, converter) => JSDuckDBValueConverter(value, type, converter as never) as Value;

/** A map becomes an object; its keys are text here. */
const map: Converter = (value, type, converter) => {
  if (!(value instanceof DuckDBMapValue)) return null;
  const entries = nested(value, type, converter) as readonly { readonly key: string; readonly value: SqlValue }[];
  return dictionary(entries.map((entry) => [entry.key, entry.value] as const));
};

const byTypeId: Partial<Record<DuckDBTypeId, Converter>> = {
  [DuckDBTypeId.BOOLEAN]: asIs,
  [DuckDBTypeId.TINYINT]: asIs,
  [DuckDBTypeId.SMALLINT]: asIs,
  [DuckDBTypeId.INTEGER]: asIs,
  [DuckDBTypeId.UTINYINT]: asIs,
  [DuckDBTypeId.USMALLINT]: asIs,
  [DuckDBTypeId.UINTEGER]: asIs,
  [DuckDBTypeId.BIGINT]: integer,
  [DuckDBTypeId.UBIGINT]: integer,
  [DuckDBTypeId.HUGEINT]: integer,
  [DuckDBTypeId.UHUGEINT]: integer,
  [DuckDBTypeId.FLOAT]: asIs,
  [DuckDBTypeId.DOUBLE]: asIs,
  [DuckDBTypeId.DECIMAL]: (value) => doubleFromDecimalValue(value),
  [DuckDBTypeId.VARCHAR]: asIs,
  [DuckDBTypeId.ENUM]: asIs,
  [DuckDBTypeId.UUID]: text,
  [DuckDBTypeId.DATE]: (value) => (value instanceof DuckDBDateValue ? value.toString() : null),
  [DuckDBTypeId.TIMESTAMP]: timestamp,
  [DuckDBTypeId.TIMESTAMP_TZ]: timestamp,
  [DuckDBTypeId.LIST]: nested,
  [DuckDBTypeId.ARRAY]: nested,
  [DuckDBTypeId.STRUCT]: nested,
  [DuckDBTypeId.MAP]: map,
  [DuckDBTypeId.SQLNULL]: () => null,
};

/** How a value of a row looks to activities; see `SqlValue`. A type that is not listed is refused. */
export const sqlValueConverter: Converter = createDuckDBValueConverter<Value>(
  Object.fromEntries(
    Object.values(DuckDBTypeId)
      .filter((id): id is DuckDBTypeId => typeof id === 'number')
      .map((id) => [id, byTypeId[id] ?? unsupported] as const),
  ) as unknown as Record<DuckDBTypeId, (value: DuckDBValue) => Value | null>,
);
