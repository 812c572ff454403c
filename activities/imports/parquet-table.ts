import { ImportError, quoted } from '../../datasets/importers/import-summary.ts';
import {
  listCell,
  longestNumber,
  numberOfText,
  type CellColumn,
  type TableBatch,
  type TableColumn,
  type TableReader,
  type TableRow,
  type WantedCell,
} from '../../datasets/importers/table.ts';
import { isFilePattern, sqlName, sqlText } from '../../datasets/sql-types.ts';
import type { SqlChunk, SqlSession } from '../ports/sql.ts';
import { structFields } from './struct-fields.ts';

/** Longest text of a cell that is looked at, in characters. */
const longestText = 4_096;
/** With texts of 300 characters some 40 MB a chunk. */
const columnsAtOnce = 32;
const mostColumns = 10_000;

/**
 * Reads Parquet files through the SQL engine, a few thousand rows at a time, in the order of the file. The session is this
 * reader's alone: it makes the engine keep that order.
 */
export function parquetTableReader(session: SqlSession): TableReader {
  const describe = async (file: string): Promise<readonly ParquetColumn[]> => {
    const found = await told(file, () => session.rows(`DESCRIBE SELECT * FROM ${relation(file)}`));
    const columns = columnsOf(found as unknown as readonly Described[]);
    if (columns.length > mostColumns)
      throw new ImportError(`expected at most ${mostColumns} columns, got ${columns.length} [file=${file}]`);
    return columns;
  };
  return {
    columnsAtOnce,
    columns: describe,
    listLength: async (file, column) => {
      const list = (await describe(file)).find(({ name }) => name === column);
      if (list === undefined) return undefined;
      const length = `len(${list.sql})`;
      const [row] = await told(file, () =>
        session.rows(`SELECT min(${length})::DOUBLE AS least, max(${length})::DOUBLE AS most FROM ${relation(file)}`),
      );
      const { least, most } = row as unknown as { readonly least: number | null; readonly most: number | null };
      return least !== null && least === most ? least : undefined;
    },
    async *rows(file, wanted) {
      const columns = await describe(file);
      const whole = await wholeNumbers(session, file, columns, wanted);
      const cells = cellsOf(file, columns, wanted, whole);
      await session.run('SET preserve_insertion_order = true');
      const values = ['CAST(file_row_number AS DOUBLE)', ...cells.map(({ sql }) => sql)].join(', ');
      const chunks = session.chunks(`SELECT ${values} FROM ${relation(file, ', file_row_number = true')}`);
      let next = 0;
      for await (const chunk of toldChunks(file, chunks)) {
        const places = chunk.numbers(0);
        if (places[0] !== next) throw new Error(`expected row ${next} of ${file}, got ${places[0]}`);
        next += chunk.rowCount;
        yield new ParquetBatch(chunk, cells, next - chunk.rowCount);
      }
    },
  };
}

interface Described {
  readonly column_name: string;
  readonly column_type: string;
}

/** A column, or a field of one that is a structure. */
interface ParquetColumn extends TableColumn {
  readonly type: string;
  readonly sql: string;
}

/** Fields of structures are columns of their own (`pose.x`); an image, which is a structure, too, stays one. */
function columnsOf(described: readonly Described[]): readonly ParquetColumn[] {
  const taken = new Set(described.map(({ column_name: name }) => name));
  return described.flatMap(({ column_name: column, column_type: type }): ParquetColumn[] => {
    const whole = { name: column, kind: kindOf(type), type, sql: sqlName(column) };
    const fields = structFields(type);
    if (fields.some(({ path, type: of }) => path.length === 0 || of === 'BLOB')) return [whole];
    return fields.flatMap(({ path, type: of }) => {
      const name = [column, ...path].join('.');
      const sql = path.reduce((from, field) => `struct_extract(${from}, ${sqlText(field)})`, sqlName(column));
      if (taken.has(name)) return [];
      taken.add(name);
      return [{ name, kind: kindOf(of), type: of, sql }];
    });
  });
}

/** Columns of texts that are whole numbers which a double holds exactly: read as numbers, they need no text of every row from the engine. */
async function wholeNumbers(
  session: SqlSession,
  file: string,
  columns: readonly ParquetColumn[],
  wanted: readonly WantedCell[],
): Promise<ReadonlySet<string>> {
  const texts = new Set(wanted.filter(({ as }) => as === 'text').map(({ column }) => column));
  const found = columns.filter(({ name, type }) => texts.has(name) && isSmallWhole.test(type)).map(({ name }) => name);
  const wide = columns.filter(({ name, type }) => texts.has(name) && isWideWhole.test(type));
  if (wide.length === 0) return new Set(found);
  const fits = wide.map(({ sql: column }, place) => {
    return `coalesce(min(${column}) >= -${Number.MAX_SAFE_INTEGER} AND max(${column}) <= ${Number.MAX_SAFE_INTEGER}, true) AS fits_${place}`;
  });
  const [row = {}] = await told(file, () => session.rows(`SELECT ${fits.join(', ')} FROM ${relation(file)}`));
  const fitting = wide.filter((_, place) => row[`fits_${place}`] === true).map(({ name }) => name);
  return new Set([...found, ...fitting]);
}

const isSmallWhole = /^U?(TINYINT|SMALLINT|INTEGER)$/;
const isWideWhole = /^U?BIGINT$/;

interface Cell {
  readonly sql: string;
  readonly kind: 'numbers' | 'strings';
}

class ParquetBatch implements TableBatch {
  readonly length: number;
  readonly cells: readonly CellColumn[];
  readonly #first: number;

  constructor(chunk: SqlChunk, cells: readonly Cell[], first: number) {
    this.length = chunk.rowCount;
    this.cells = cells.map(({ kind }, place) =>
      kind === 'numbers' ? chunk.numbers(place + 1) : chunk.strings(place + 1),
    );
    this.#first = first;
  }

  at(place: number): TableRow {
    return new ParquetRow(this.cells, place, this.#first + place + 1);
  }

  *[Symbol.iterator](): Generator<TableRow> {
    for (let place = 0; place < this.length; place += 1) yield this.at(place);
  }
}

class ParquetRow implements TableRow {
  readonly place: number;
  readonly #columns: readonly CellColumn[];
  readonly #index: number;

  constructor(columns: readonly CellColumn[], index: number, place: number) {
    this.#columns = columns;
    this.#index = index;
    this.place = place;
  }

  text(cell: number): string {
    const value = this.#columns[cell]?.[this.#index] ?? '';
    return typeof value === 'string' ? value.trim() : Number.isNaN(value) ? '' : String(value);
  }

  number(cell: number): number {
    const value = this.#columns[cell]?.[this.#index] ?? Number.NaN;
    if (typeof value === 'number') return value;
    // A text that was cut off is none, whatever stands before the blanks in it.
    return value.length > longestNumber ? Number.NaN : numberOfText(value.trim());
  }
}

function cellsOf(
  file: string,
  columns: readonly ParquetColumn[],
  wanted: readonly WantedCell[],
  whole: ReadonlySet<string>,
): readonly Cell[] {
  const known = new Map(columns.map((column) => [column.name, column]));
  return wanted.map(({ column, as, mostCharacters = longestText }) => {
    const found = known.get(column);
    const inList = found === undefined ? listCell(column) : undefined;
    const list = known.get(inList?.column ?? '');
    if (inList !== undefined && list?.kind === 'list') return numberCell(`${list.sql}[${inList.index + 1}]`);
    if (found === undefined) {
      const fields = columns.filter(({ name }) => name.startsWith(`${column}.`)).map(({ name }) => name);
      throw fields.length === 0
        ? new ImportError(`expected column ${quoted(column)}, got none of that name [file=${file}]`)
        : notMapped(file, column, `a structure: map ${fields.slice(0, 5).join(', ')}${fields.length > 5 ? ', …' : ''}`);
    }
    const { kind, sql } = found;
    if (kind === 'list' || kind === 'other')
      throw notMapped(
        file,
        column,
        kind === 'list'
          ? `a list: map ${column}[0], ${column}[1], …`
          : 'bytes, or lists or structures that no row is made of',
      );
    const isNumber = as === 'number' && (kind === 'number' || kind === 'boolean');
    // The text of a whole number is short, and made of the number.
    if (isNumber || whole.has(column)) return numberCell(sql);
    // One more than a number may have: a number that is cut off is none.
    return textCell(sql, as === 'number' ? longestNumber + 1 : mostCharacters);
  });
}

const notMapped = (file: string, column: string, got: string): ImportError =>
  new ImportError(`expected numbers or text in column ${quoted(column)}, got ${got} [file=${file}]`);

const numberCell = (sql: string): Cell => ({
  sql: `coalesce(TRY_CAST(${sql} AS DOUBLE), 'NaN'::DOUBLE)`,
  kind: 'numbers',
});
const textCell = (sql: string, characters: number): Cell => ({
  sql: `coalesce(left(CAST(${sql} AS VARCHAR), ${characters}), '')`,
  kind: 'strings',
});

export function relation(file: string, options = ''): string {
  if (isFilePattern(file))
    throw new ImportError(`expected a file name without * ? [ ] { and }, got ${quoted(file)}: rename it`);
  return `read_parquet(${sqlText(file)}, hive_partitioning = false${options})`;
}

function kindOf(type: string): TableColumn['kind'] {
  if (isNumber.test(type)) return 'number';
  if (/\[\d*\]$/.test(type)) return isNumber.test(type.replace(/\[\d*\]$/, '')) ? 'list' : 'other';
  if (type === 'BOOLEAN') return 'boolean';
  if (/^(TIMESTAMP|DATE)/.test(type)) return 'instant';
  return /^(VARCHAR|ENUM)/.test(type) ? 'text' : 'other';
}
const isNumber = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\))$/;

export async function told<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

export async function* toldChunks(file: string, chunks: AsyncIterable<SqlChunk>): AsyncGenerator<SqlChunk> {
  const iterator = chunks[Symbol.asyncIterator]();
  for (;;) {
    const next = await told(file, () => iterator.next());
    if (next.done === true) return;
    yield next.value;
  }
}

function unreadable(file: string, cause: unknown): Error {
  if (cause instanceof ImportError) return cause;
  const reason = cause instanceof Error ? cause.message.slice(0, 300) : String(cause);
  return new ImportError(`expected a Parquet file that can be read, got: ${reason} [file=${file}]`, { cause });
}
