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
  return files.length === 0 ? emptyRelation(columns) : scanOf(columns, inScanOrder(files), typedColumns(columns));
}

/** {@link scanSql} of at least one file, with the column `file_number`: the place of the row's file {@link inScanOrder}, from 0. */
export const scanWithFilesSql = (columns: readonly Column[], files: readonly LocalDataFile[]): string =>
  scanOf(columns, inScanOrder(files), `${typedColumns(columns)}, file_number`);

/** Files in the order in which a scan reads them. */
export const inScanOrder = <File extends LocalDataFile>(files: readonly File[]): readonly File[] =>
  files.toSorted((a, b) => (a.path < b.path ? -1 : 1));

function scanOf(columns: readonly Column[], sorted: readonly LocalDataFile[], selected: string): string {
  const paths = sorted.map(({ path }) => sqlText(path)).join(', ');
  const days = sorted.map(({ recordedOn }) => sqlText(recordedOn)).join(', ');
  // https://duckdb.org/docs/stable/data/parquet/overview#parameters
  return (
    `(SELECT ${selected} FROM (SELECT * FROM ${emptyRelation(columns)} UNION ALL BY NAME ` +
    `SELECT COLUMNS(c -> c <> 'recorded_on'), ([${days}]::DATE[])[(file_index + 1)::BIGINT] AS recorded_on, ` +
    `file_index::INTEGER AS file_number ` +
    `FROM read_parquet([${paths}], union_by_name = true, hive_partitioning = false)))`
  );
}
