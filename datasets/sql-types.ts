import type { Column, ColumnType } from './columns.ts';

/** The engine's type of a column, as the lake's tables are read and written. Timestamps are instants (µs, UTC). */
export const sqlTypes: Readonly<Record<ColumnType, string>> = {
  string: 'VARCHAR',
  int32: 'INTEGER',
  int64: 'BIGINT',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMPTZ',
  date: 'DATE',
  float32List: 'FLOAT[]',
  mediaList: 'STRUCT(sha256 VARCHAR, kind VARCHAR, "startedAt" TIMESTAMPTZ, "durationMs" BIGINT, "key" VARCHAR)[]',
};

/** A SQL string literal. */
export const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Whether the engine would take the name of a file for a pattern of names. */
export const isFilePattern = (path: string): boolean => /[*?[\]{}]/.test(path);

/** A SQL identifier, quoted. */
export const sqlName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A relation without rows that has these columns. */
export const emptyRelation = (columns: readonly Column[]): string =>
  `(SELECT ${columns.map(({ name, type }) => `NULL::${sqlTypes[type]} AS ${sqlName(name)}`).join(', ')} WHERE false)`;

/** `columns` of a relation, cast to the lake's types; a local timestamp counts as UTC. */
export const typedColumns = (columns: readonly Column[]): string =>
  columns.map(({ name, type }) => `CAST(${sqlName(name)} AS ${sqlTypes[type]}) AS ${sqlName(name)}`).join(', ');
