import type { Column } from '../../datasets/columns.ts';
import { emptyRelation, sqlText, typedColumns } from '../../datasets/sql-types.ts';

export interface LocalDataFile {
  readonly path: string;
  readonly recordedOn: string;
}

/**
 * A table expression over exactly these files. The day comes from the log, never from the file or its path; a column
 * that an older file lacks is NULL.
 */
export function scanSql(columns: readonly Column[], files: readonly LocalDataFile[]): string {
  const pathsByDay = new Map<string, string[]>();
  for (const { path, recordedOn } of files) {
    const paths = pathsByDay.get(recordedOn) ?? [];
    paths.push(path);
    pathsByDay.set(recordedOn, paths);
  }
  const days = [...pathsByDay.keys()].toSorted();
  const perDay = days.map((day) => {
    const paths = (pathsByDay.get(day) ?? []).toSorted().map(sqlText).join(', ');
    return (
      `SELECT COLUMNS(c -> c <> 'recorded_on'), ${sqlText(day)}::DATE AS recorded_on ` +
      `FROM read_parquet([${paths}], union_by_name = true, hive_partitioning = false)`
    );
  });
  const relation = [`SELECT * FROM ${emptyRelation(columns)}`, ...perDay].join(' UNION ALL BY NAME ');
  return `(SELECT ${typedColumns(columns)} FROM (${relation}))`;
}
