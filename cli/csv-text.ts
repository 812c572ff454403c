import { CsvError, parse } from 'csv-parse/sync';

import { CommandError } from './exit-codes.ts';
import { readSmallFile } from './read-small-file.ts';

/** One line of a table with the line it begins on, from 1. */
export interface CsvLine {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Cells of comma-separated text (RFC 4180: cells in double quotes may hold commas, quotes twice and line ends), without the blanks around them. Lines
 * without any text are left out. `wrong` with the line of a quote that is not closed, or is where none may be.
 */
export function readCsv(text: string, file: string): readonly CsvLine[] {
  try {
    const options = { info: true, relax_column_count: true, skip_empty_lines: true, trim: true };
    // With `info` a record stands beside what is known of it, which the types of the library do not say.
    return (parse(text, options) as unknown as readonly WithInfo[])
      .filter(({ record }) => record.some((cell) => cell !== ''))
      .map(({ record, info }) => ({ line: info.lines - lineEndsIn(record), cells: record }));
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = typeof cause['lines'] === 'number' ? cause['lines'] : '?';
    throw new CommandError(
      'wrong',
      `${file}: line ${line}: expected fields of CSV, got a quote that is not closed or out of place`,
      {
        cause,
      },
    );
  }
}

interface WithInfo {
  readonly record: readonly string[];
  /** `lines`: the one it ends on, from 1. */
  readonly info: { readonly lines: number };
}

const lineEndsIn = (cells: readonly string[]): number => cells.join('').split('\n').length - 1;

/** The text of a regular file without its byte order mark, as spreadsheets write one. `wrong` for a file that is larger, or no text in UTF-8. */
export async function readTextFile(file: string, maxBytes: number): Promise<string> {
  const read = await readSmallFile(file, maxBytes);
  if (!(read instanceof Uint8Array))
    throw new CommandError('wrong', `${file}: expected at most ${maxBytes} bytes, got ${read.sizeBytes}`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(read);
  } catch (cause) {
    throw new CommandError('wrong', `${file}: expected text in UTF-8, got other bytes`, { cause });
  }
}
