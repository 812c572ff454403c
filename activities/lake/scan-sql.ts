import type { Column } from '../../datasets/columns.ts';
import { emptyRelation, sqlText, typedColumns } from '../../datasets/sql-types.ts';

export interface LocalDataFile {
  readonly path: string;
  readonly recordedOn: string;
}

/**
 * A table expression over exactly these files, read as one list: a union of days would be read half as fast. The day comes
 * from the log, by the place of the file in the list, never from the file or its path. A column that older files lack
 * is NULL.
 */
export function scanSql(columns: readonly Column[], files: readonly LocalDataFile[]): string {
  const empty = emptyRelation(columns);
  if (files.length === 0) return empty;
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const paths = sorted.map(({ path }) => sqlText(path)).join(', ');
  const days = sorted.map(({ recordedOn }) => sqlText(recordedOn)).join(', ');
  // https://duckdb.org/docs/stable/data/parquet/overview#parameters
  return (
    `(SELECT ${typedColumns(columns)} FROM (SELECT * FROM ${empty} UNION ALL BY NAME ` +
    `SELECT COLUMNS(c -> c <> 'recorded_on'), ([${days}]::DATE[])[(file_index + 1)::BIGINT] AS recorded_on ` +
    `FROM read_parquet([${paths}], union_by_name = true, hive_partitioning = false)))`
  );
}
