import type { Column } from '../columns.ts';
import { dictionary } from '../../domain/dictionary.ts';

/** What the engine reports of one Parquet file it wrote: per column, the statistics as text. */
export interface WrittenFile {
  readonly rowCount: number;
  readonly columns: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const maxTextCharacters = 32;
const comparableTypes: readonly string[] = ['string', 'int32', 'int64', 'date'];

/**
 * The `stats` of an `add`: row count, and for top-level columns null counts, and smallest and largest value where the
 * format's rounding cannot make them wrong (integers and short text; no floats, no instants). Wrong statistics are
 * believed and hide rows, so what is not certain is left out.
 */
export function statsOf(file: WrittenFile, columns: readonly Column[]): string {
  const minValues = dictionary<string | number>();
  const maxValues = dictionary<string | number>();
  const nullCount = dictionary<number>();
  for (const { name, type } of columns) {
    const column = file.columns[name];
    if (column === undefined) continue;
    if (column['null_count'] !== undefined) nullCount[name] = Number(column['null_count']);
    const { min, max } = column;
    if (min === undefined || max === undefined || !comparableTypes.includes(type)) continue;
    if (type === 'string' && (!isShortAscii(min) || !isShortAscii(max))) continue;
    const isNumber = type === 'int32' || type === 'int64';
    if (isNumber && !(Number.isSafeInteger(Number(min)) && Number.isSafeInteger(Number(max)))) continue;
    minValues[name] = isNumber ? Number(min) : min;
    maxValues[name] = isNumber ? Number(max) : max;
  }
  return JSON.stringify({ numRecords: file.rowCount, minValues, maxValues, nullCount });
}

/** Engines cut long text, and order text beyond ASCII by UTF-16 or by bytes. */
const isShortAscii = (text: string): boolean => text.length < maxTextCharacters && /^[\x20-\x7e]*$/.test(text);

/** Columns that may not be null and hold nulls, or whose nulls are not known; with their count. */
export const columnsWithForbiddenNulls = (file: WrittenFile, columns: readonly Column[]): readonly string[] =>
  columns
    .filter(({ nullable, type }) => !nullable && type !== 'float32List' && type !== 'mediaList')
    .filter(({ name }) => file.columns[name]?.['null_count'] !== '0')
    .map(({ name }) => `${name} (${file.columns[name]?.['null_count'] ?? 'unknown'})`);
