import { ImportError, quoted } from '../../datasets/importers/import-summary.ts';
import { mostImageBytes, type ImageRows, type ImageTable } from '../../datasets/importers/lerobot/image-table.ts';
import { sqlName, sqlText } from '../../datasets/sql-types.ts';
import type { SqlChunk, SqlSession } from '../ports/sql.ts';
import { relation, told, toldChunks } from './parquet-table.ts';

/** Characters of a path that are looked at. */
const longestPath = 1_000;
/** Rows that the engine holds at once, unless the row group has fewer. */
const rowsAtOnce = 2_048;
/** While it reads them the engine holds up to four times as much. */
const defaults = { mostBytesAtOnce: 256 * 1024 * 1024 };
/** What a session needs for it. */
export const imageSession = { threads: 1, memoryLimitMiB: 1024 };

export interface ParquetImageOptions {
  /** Bytes of images that the engine may have to hold at once. */
  readonly mostBytesAtOnce?: number;
}

/**
 * Reads images out of Parquet files through the SQL engine, as many rows at a time as it reads at once, in the order of the file: a column of structures of bytes
 * and path, or of one of them, or of bytes alone. The session is this reader's alone, and is closed with it.
 */
export function parquetImageTable(session: SqlSession, options: ParquetImageOptions = {}): ImageTable {
  const { mostBytesAtOnce } = { ...defaults, ...options };
  return {
    rowCount: async (file) => {
      const [row] = await told(file, () => session.rows(`SELECT count(*)::DOUBLE AS rows FROM ${relation(file)}`));
      return Number(row?.['rows']);
    },
    async *images(file, column, from) {
      const { bytes, path } = await cellsOf(session, file, column);
      await refuseLargeGroups(session, file, column, mostBytesAtOnce);
      await told(file, () => session.run('SET preserve_insertion_order = true'));
      const size = `coalesce(octet_length(${bytes}), 0)`;
      const cells = `CAST(file_row_number AS DOUBLE), CAST(${size} AS DOUBLE),
        CASE WHEN ${size} <= ${mostImageBytes} THEN ${bytes} END, coalesce(left(${path}, ${longestPath}), '')`;
      const rows = `${relation(file, ', file_row_number = true')} WHERE file_row_number >= ${from}`;
      for await (const chunk of toldChunks(file, session.chunks(`SELECT ${cells} FROM ${rows}`)))
        yield imagesOf(file, chunk);
    },
    close: () => session.close(),
  };
}

/** SQL of an image's bytes and of its path. */
async function cellsOf(
  session: SqlSession,
  file: string,
  column: string,
): Promise<{ readonly bytes: string; readonly path: string }> {
  const described = await told(file, () => session.rows(`DESCRIBE SELECT * FROM ${relation(file)}`));
  const said = described.find(({ column_name: name }) => name === column)?.['column_type'];
  const type = typeof said === 'string' ? said : '';
  const name = sqlName(column);
  const has = (field: string): boolean => type.startsWith('STRUCT(') && new RegExp(`[(, ]"?${field}[, )]`).test(type);
  const bytes = type === 'BLOB' ? name : has('bytes"? BLOB') ? `struct_extract(${name}, 'bytes')` : undefined;
  const path = has('path"? VARCHAR') ? `struct_extract(${name}, 'path')` : undefined;
  if (bytes === undefined && path === undefined)
    throw new ImportError(
      `expected images in column ${quoted(column)}, structures of bytes and path, got ${type === '' ? 'no such column' : quoted(type)} [file=${file}]`,
    );
  return { bytes: bytes ?? `NULL::BLOB`, path: path ?? `''` };
}

/** The engine holds the images of many rows at once, whoever asks for one: by what the file says of itself, that must be a bounded part of it. */
async function refuseLargeGroups(
  session: SqlSession,
  file: string,
  column: string,
  mostBytesAtOnce: number,
): Promise<void> {
  const [row] = await told(file, () =>
    session.rows(`SELECT max(total_uncompressed_size * least(1, ${rowsAtOnce} / greatest(row_group_num_rows, 1)))::DOUBLE AS most
      FROM parquet_metadata(${sqlText(file)}) WHERE starts_with(path_in_schema, ${sqlText(column)})`),
  );
  const most = Number(row?.['most'] ?? 0);
  if (most <= mostBytesAtOnce) return;
  throw new ImportError(
    `expected at most ${inMiB(mostBytesAtOnce)} MiB of images in ${rowsAtOnce} rows of a row group, got ${inMiB(most)} MiB in column ${quoted(column)}: write the file with smaller row groups, e.g. of 100 rows [file=${file}]`,
  );
}

const inMiB = (bytes: number): number => Math.round(bytes / 1024 / 1024);

function imagesOf(file: string, chunk: SqlChunk): ImageRows {
  const places = chunk.numbers(0);
  const [first = 0, last = -1] = [places[0], places[chunk.rowCount - 1]];
  if (last - first + 1 !== chunk.rowCount)
    throw new Error(`expected rows ${first} to ${last} of ${file}, got ${chunk.rowCount} rows`);
  const sizes = chunk.numbers(1);
  const paths = chunk.strings(3);
  return {
    first,
    count: chunk.rowCount,
    image: (index) => ({
      bytes: chunk.bytes(2, index),
      sizeBytes: sizes[index] ?? 0,
      path: paths[index] ?? '',
    }),
  };
}
