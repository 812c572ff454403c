import parquet from 'parquetjs-lite';

import { teachZstd } from './parquet-zstd.ts';

teachZstd();

/** The value of a row in each of the columns asked for; null where it has none. */
export type ColumnRow = Readonly<Record<string, unknown>>;

interface ColumnData {
  readonly values: readonly unknown[];
  readonly dlevels: readonly number[];
}

/**
 * Rows of a few columns (`a.b`: a field of a group) of a Parquet file, by a reader that shares nothing with the SQL engine, for checks of what that one did.
 * A column that the file does not have is null. Memory: the columns of one row group.
 */
export async function* columnRows(filePath: string, columns: readonly string[]): AsyncGenerator<ColumnRow> {
  const reader = await parquet.ParquetReader.openFile(filePath);
  try {
    const { schema } = reader;
    const present = columns.filter((name) => Object.hasOwn(schema.fields, name.split('.')[0] ?? ''));
    for (const group of reader.metadata.row_groups) {
      const data = await reader.envelopeReader.readRowGroup(
        schema,
        group,
        present.map((name) => name.split('.')),
      );
      const found = data.columnData as Record<string, ColumnData>;
      const cursors = columns.map((name) =>
        present.includes(name)
          ? cursorOf(found[name.replaceAll('.', ',')], schema.findField(name.split('.')).dLevelMax, filePath)
          : () => null,
      );
      for (let row = 0; row < Number(data.rowCount); row += 1)
        yield Object.fromEntries(columns.map((name, index) => [name, cursors[index]?.(row) ?? null]));
    }
  } finally {
    await reader.close();
  }
}

/** Every column of a file down to its leaves, a row group at a time: the values that are there, in their order. */
export async function* leafColumns(filePath: string): AsyncGenerator<{
  readonly rows: number;
  readonly columns: readonly { readonly name: string; readonly values: readonly unknown[] }[];
}> {
  const reader = await parquet.ParquetReader.openFile(filePath);
  try {
    for (const group of reader.metadata.row_groups) {
      const { columnData, rowCount } = await reader.envelopeReader.readRowGroup(reader.schema, group, []);
      const columns = Object.entries(columnData as Record<string, ColumnData>).map(([name, { values }]) => ({
        name,
        values: values.filter((value) => value !== undefined && value !== null).map(asText),
      }));
      yield { rows: Number(rowCount), columns };
    }
  } finally {
    await reader.close();
  }
}

/** Values of the rows in turn: only those that are there are stored, and levels say which. Throws where levels and values do not fit. */
function cursorOf(column: ColumnData | undefined, top: number, filePath: string): (row: number) => unknown {
  const { values, dlevels } = column ?? { values: [], dlevels: [] };
  const wanted = dlevels.reduce((sum, level) => sum + (level === top ? 1 : 0), 0);
  if (wanted !== values.length)
    throw new RangeError(`expected ${wanted} values of a column, the reader gave ${values.length} [file=${filePath}]`);
  let next = 0;
  return (row) => (dlevels[row] === top ? asText(values[next++]) : null);
}

const decoder = new TextDecoder();
const asText = (value: unknown): unknown => (value instanceof Uint8Array ? decoder.decode(value) : value);
