import { mkdir } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Column } from '../../datasets/columns.ts';
import { columnsWithForbiddenNulls, statsOf } from '../../datasets/delta/file-stats.ts';
import { sqlName, sqlText, sqlTypes } from '../../datasets/sql-types.ts';
import { failure } from '../../store/failures.ts';
import type { SqlRow, SqlSession } from '../ports/sql.ts';
import { dictionary } from '../../domain/dictionary.ts';

/** A finished Parquet file on its way into a table. */
export interface StagedFile {
  readonly filePath: string;
  /** Key relative to the table's root. */
  readonly relativeKey: string;
  readonly recordedOn: string;
  readonly rowCount: number;
  readonly sizeBytes: number;
  readonly stats: string;
}

const dayPattern = /^\d{4}-\d{2}-\d{2}$/;

/**
 * COPYes a relation into Parquet files, one folder a day. The relation may have its columns in any order; every column of
 * the table must be there. Fails with `InvalidInput` when a value that may not be null is.
 */
export async function writeFiles(
  session: SqlSession,
  columns: readonly Column[],
  relationSql: string,
  target: { readonly directory: string; readonly fileId: string },
): Promise<readonly StagedFile[]> {
  await mkdir(target.directory, { recursive: true });
  // https://duckdb.org/docs/stable/data/partitioning/partitioned_writes
  const rows = await session.rows(
    `COPY (SELECT ${columns.map(columnToWrite).join(', ')} FROM ${relationSql} AS relation) ` +
      `TO ${sqlText(target.directory)} (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (recorded_on), ` +
      `FILENAME_PATTERN ${sqlText(`part-${target.fileId}-{i}`)}, RETURN_STATS true)`,
  );
  return rows.map((row) => stagedFile(row, columns));
}

/** Statistics of a list speak of its elements, so a missing list has to be caught on its way. */
function columnToWrite({ name, type, nullable }: Column): string {
  const value = `CAST(${sqlName(name)} AS ${sqlTypes[type]})`;
  const isList = type === 'float32List' || type === 'mediaList';
  const checked =
    isList && !nullable
      ? `CASE WHEN ${sqlName(name)} IS NULL THEN error(${sqlText(`${name} is NULL`)}) ELSE ${value} END`
      : value;
  return `${checked} AS ${sqlName(name)}`;
}

function stagedFile(row: SqlRow, columns: readonly Column[]): StagedFile {
  const filePath = row['filename'] as string;
  const rowCount = Number(row['count']);
  const partition = row['partition_keys'] as Readonly<Record<string, string>>;
  const recordedOn = partition['recorded_on'] ?? 'NULL';
  if (!dayPattern.test(recordedOn)) {
    throw failure('InvalidInput', `expected a day (yyyy-mm-dd) in recorded_on of every row, got ${recordedOn}`);
  }
  const written = { rowCount, columns: topLevelStatistics(row) };
  const forbidden = columnsWithForbiddenNulls(
    written,
    columns.filter(({ name }) => name !== 'recorded_on'),
  );
  if (forbidden.length > 0) {
    throw failure('InvalidInput', `expected no NULL in columns that may not be null, got ${forbidden.join(', ')}`);
  }
  return {
    filePath,
    relativeKey: `recorded_on=${recordedOn}/${basename(filePath)}`,
    recordedOn,
    rowCount,
    sizeBytes: Number(row['file_size_bytes']),
    stats: statsOf(written, columns),
  };
}

/** The engine quotes names and gives nested columns as `"list"."element"`; those are left out. */
function topLevelStatistics(row: SqlRow): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const all = row['column_statistics'] as Readonly<Record<string, Readonly<Record<string, string>>>>;
  return dictionary(
    Object.entries(all).flatMap(([name, statistics]) => {
      const top = /^"([^".]+)"$/.exec(name)?.[1];
      return top === undefined ? [] : [[top, statistics] as const];
    }),
  );
}
