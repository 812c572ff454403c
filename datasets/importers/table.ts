/** A file of a recording: where it lies, and its name within the recording, the same on every machine. */
export interface SourceFile {
  readonly path: string;
  readonly name: string;
}

/** A column of a table, and what stands in it. */
export interface TableColumn {
  readonly name: string;
  /** `list`: numbers; `other`: what nobody can map, e.g. a structure or bytes. */
  readonly kind: 'number' | 'text' | 'boolean' | 'instant' | 'list' | 'other';
}

/** The column of the time at which a row was recorded, in µs since 1970, where the format itself says it. */
export const logTimeColumn = '@log';

/** A cell that is asked for. `column` is a name, or `name[i]` for the i-th value (from 0) of a list. */
export interface WantedCell {
  readonly column: string;
  readonly as: 'number' | 'text';
  /** Characters of its text that are looked at, where fewer are enough than a format has in any case. */
  readonly mostCharacters?: number;
  /** It holds until the recording says otherwise, however long: a robot, a task, an outcome; a reading and a command do not. */
  readonly isHeld?: boolean;
}

/** Characters of a text that can be a number; a longer one is none. */
export const longestNumber = 300;

/** A decimal number as text; NaN for anything else, hexadecimal and infinite ones included. */
export function numberOfText(text: string): number {
  if (text.length > longestNumber || (!isShortDecimal(text) && !decimal.test(text))) return Number.NaN;
  const number = Number(text);
  return Number.isFinite(number) ? number : Number.NaN;
}

/**
 * A number whose digits stand in groups of three, as spreadsheets write it, without the groups; undefined for any other text, also for one that may
 * as well have a fraction of three digits.
 *
 * '1.234,5' with ',' → '1234.5'; '12 000' → '12000'; '1.234' with ',' → undefined
 */
export function withoutGroups(text: string, decimal: '.' | ','): string | undefined {
  if (text.length > longestShort) return undefined;
  const [, mark = '', fraction] = grouped.exec(text) ?? [];
  if (mark === '' || mark === decimal) return undefined;
  if (fraction !== undefined && !fraction.startsWith(decimal)) return undefined;
  const groups = text.split(mark).length - 1;
  if ((mark === '.' || mark === ',') && fraction === undefined && groups < 2) return undefined;
  return text.replaceAll(mark, '').replace(',', '.');
}
const grouped = /^[+-]?\d{1,3}([.,'’ \u00A0\u202F])\d{3}(?:\1\d{3})*([.,]\d+)?$/;

/** `true` is 1 and `false` is 0, in any letters, as in other formats; NaN for anything else. */
export function truthOfText(text: string): number {
  if (text.length !== 4 && text.length !== 5) return Number.NaN;
  const word = text.toLowerCase();
  return word === 'true' ? 1 : word === 'false' ? 0 : Number.NaN;
}

/** Whether a text in a column of numbers says that there is none. */
export const isNoValue = (text: string): boolean => text.length <= longestNoValue && noValue.test(text);

const noValue = /^(?:nan|nat|null|none|nil|n\/?a|#n\/a|--?|\?)?$/i;
const longestNoValue = 4;

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?$/;
const longestShort = 20;
const [zero, nine, point, minus] = [48, 57, 46, 45];

/** Whether a text is digits with at most one point among them and a minus before, as most numbers are. */
function isShortDecimal(text: string): boolean {
  if (text.length === 0 || text.length > longestShort) return false;
  let [digits, points] = [0, 0];
  for (let place = text.charCodeAt(0) === minus ? 1 : 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place);
    if (code >= zero && code <= nine) digits += 1;
    else if (code === point) points += 1;
    else return false;
  }
  return digits > 0 && points <= 1;
}

/** A row of a table: the cells that were asked for, by their place in that list. Valid until the next batch. */
export interface TableRow {
  /** Where it stands: line of a text file, row of a binary one, both from 1. */
  readonly place: number;
  /** The text of a cell without the blanks around it; empty where there is none. */
  text(cell: number): string;
  /** The number in a cell; NaN where there is none. */
  number(cell: number): number;
  /** Why a cell is empty, where the format knows more than that it is. */
  missing?(cell: number): string | undefined;
  /** When a value that holds was said, in µs since 1970, where that may be long before the row. */
  saidUs?(cell: number): number | undefined;
  /** It says where episodes end and how, and is no frame. */
  readonly isEvent?: boolean;
  /** Frames are missing before it. */
  readonly isAfterGap?: boolean;
}

/** A cell of every row of a batch: numbers, NaN where there is none, or texts. */
export type CellColumn = ArrayLike<number | string>;

/** Rows of a table that are handed on at once; valid until the next. */
export interface TableBatch extends Iterable<TableRow> {
  readonly length: number;
  at(place: number): TableRow | undefined;
  /** The cells that were asked for, by their place in that list, where the format has them as columns: what is equal there is equal in the rows. */
  readonly cells?: readonly CellColumn[];
}

/** Reads tables of one format, batch by batch. Every error is an `ImportError` with file, row and field. */
export interface TableReader {
  /** Columns that may be asked for at once where every one holds long texts; undefined: any number. */
  readonly columnsAtOnce?: number;
  columns(file: string): Promise<readonly TableColumn[]>;
  rows(file: string, wanted: readonly WantedCell[]): AsyncIterable<TableBatch>;
  /** How many values every row has in a list; undefined where they differ, or nobody can say. */
  listLength?(file: string, column: string): Promise<number | undefined>;
}

/** `state[3]` → `{ column: 'state', index: 3 }`; undefined for a plain name. */
export function listCell(name: string): { readonly column: string; readonly index: number } | undefined {
  const match = /^(.+)\[(\d{1,5})\]$/s.exec(name);
  return match?.[1] === undefined ? undefined : { column: match[1], index: Number(match[2]) };
}
