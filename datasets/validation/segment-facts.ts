import { segmentColumns, type ColumnType } from '../columns.ts';
import { parquetMagic, readParquetFooter, type ParquetFooter } from '../parquet-footer.ts';
import { parseFooter, type SegmentFooter } from '../segment-footer.ts';

/** What kind of file lies there, by its first and last bytes. */
export type SegmentForm = 'parquet' | 'truncatedParquet' | 'empty' | 'gitLfsPointer' | 'text' | 'unknown';

/** Everything the rules know of one segment before its data is read. Small: it is kept in the collection's manifest. */
export interface SegmentFacts {
  readonly form: SegmentForm;
  readonly sizeBytes: number;
  readonly rows: number;
  /** The most values one column claims to hold, lists taken apart. */
  readonly mostValues: number;
  readonly footer: Partial<SegmentFooter>;
  /** Columns that are missing though they must be there, or have another type: one sentence each. */
  readonly columnProblems: readonly string[];
  /** Nullable columns that the segment lacks: it was written before they were added. */
  readonly absentColumns: readonly string[];
}

/** Where a segment lies: `landing/<robotId>/<sha256>.parquet`. */
export interface LandingPlace {
  readonly robotId: string;
  readonly sha256: string;
}

const landingPattern = /^landing\/([A-Za-z0-9][A-Za-z0-9._-]{0,127})\/([0-9a-f]{64})\.parquet$/;

/** Robot and digest by the key; undefined when it is not a key of a segment. */
export function landingPlace(key: string): LandingPlace | undefined {
  const [, robotId, sha256] = landingPattern.exec(key) ?? [];
  return robotId === undefined || sha256 === undefined ? undefined : { robotId, sha256 };
}

/**
 * Facts of a segment out of its first bytes (64 are enough) and its last (all of the footer); both may overlap. The
 * data itself is neither read nor believed. Cost: linear in the footer.
 */
export function segmentFacts(input: { head: Uint8Array; tail: Uint8Array; sizeBytes: number }): SegmentFacts {
  const footer = text(input.head).startsWith(parquetMagic) ? readParquetFooter(input.tail) : undefined;
  if (footer === undefined) return { ...nothingKnown, form: damagedForm(input), sizeBytes: input.sizeBytes };
  return {
    form: 'parquet',
    sizeBytes: input.sizeBytes,
    rows: footer.rows,
    mostValues: footer.mostValues,
    footer: parseFooter(footer.metadata),
    ...columnFacts(footer),
  };
}

const nothingKnown = { rows: 0, mostValues: 0, footer: {}, columnProblems: [], absentColumns: [] };

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes.subarray(0, 64));

function damagedForm({ head, sizeBytes }: { head: Uint8Array; sizeBytes: number }): SegmentForm {
  if (sizeBytes === 0) return 'empty';
  const start = text(head);
  if (start.startsWith('version https://git-lfs')) return 'gitLfsPointer';
  if (start.startsWith(parquetMagic)) return 'truncatedParquet';
  return /^[\t\n\r\x20-\x7e]+$/.test(start) ? 'text' : 'unknown';
}

/** How a column's type looks in a segment; see `segmentSqlType`. */
const typeInSegment = (type: ColumnType): string =>
  type === 'timestamp' ? 'int64' : type === 'mediaList' ? 'string' : type;

/** Names that the reader gives columns of its own; a file that has one makes them ambiguous. */
const readersNames = new Set(['file_row_number', 'file_index', 'filename', 'file_size', 'file_last_modified', 'rowid']);
const ourNames: ReadonlySet<string> = new Set(segmentColumns.map(({ name }) => name));
const maxColumns = 1024;
const maxListedNames = 20;

/**
 * Columns that the schema does not have are passed over, as programs such as pandas add some; but not where the reader,
 * which does not tell capital letters apart, would take them for one of its own or of ours.
 */
function nameProblems(names: readonly string[]): readonly string[] {
  if (names.length > maxColumns) return [`${names.length} columns, expected at most ${maxColumns}`];
  const seen = new Set<string>();
  const problems: string[] = [];
  for (const name of names) {
    const folded = name.toLowerCase();
    if (readersNames.has(folded)) problems.push(`${name}: a name that the reader keeps for itself`);
    else if (seen.has(folded)) problems.push(`${name.slice(0, 64)}: expected once, got it twice`);
    else if (ourNames.has(folded) && name !== folded) problems.push(`${name}: expected ${folded}`);
    seen.add(folded);
  }
  return problems.slice(0, maxListedNames);
}

function columnFacts({
  columns,
  names,
}: Pick<ParquetFooter, 'columns' | 'names'>): Pick<SegmentFacts, 'columnProblems' | 'absentColumns'> {
  const columnProblems: string[] = [...nameProblems(names)];
  const absentColumns: string[] = [];
  for (const { name, type, nullable } of segmentColumns) {
    const found = columns.get(name);
    if (found === undefined && nullable) absentColumns.push(name);
    else if (found !== typeInSegment(type)) {
      columnProblems.push(`${name}: expected ${typeInSegment(type)}, got ${found ?? 'no such column'}`);
    }
  }
  return { columnProblems, absentColumns };
}
