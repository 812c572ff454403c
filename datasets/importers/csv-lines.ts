import { pipeline } from 'node:stream';

import { CsvError, parse, type Parser } from 'csv-parse';

import { ImportError, quoted } from './import-summary.ts';
import type { TableEncoding } from './text-encoding.ts';
import { textPieces } from './text-file.ts';

/** A line of a table with any text in it. */
export interface CsvLine {
  /** From 1. */
  readonly place: number;
  /** About what it takes in the file, blank lines before it included. */
  readonly bytes: number;
  readonly cells: readonly string[];
}

const mostColumns = 10_000;
const mostLineBytes = 4 * 1024 * 1024;
const readBytes = 256 * 1024;
/** Lines that are handed on at once where each is parsed by itself. */
const linesAtOnce = 64;

const [quote, lineFeed, carriageReturn] = ['"', '\n', '\r'].map((text) => text.charCodeAt(0)) as [
  number,
  number,
  number,
];
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

type LineEnd = '\n' | '\r\n';

/** In the place of a separator: cells stand between one or more blanks or tabs. */
export const anyBlanks = 'blanks';
const oneOrMoreBlanks = /[ \t]+/;

/** Cells of a line without quotes. */
export const splitLine = (line: string, separator: string): string[] =>
  separator === anyBlanks ? line.trim().split(oneOrMoreBlanks) : line.split(separator);

/**
 * Lines with any text in them, in batches (RFC 4180 with any separator). Text without quotes whose lines end alike is split as it is, in a
 * fraction of the time; from the first quote or other line end on a parser reads the rest. Both give the same lines.
 */
export async function* csvLines(
  file: string,
  separator: string,
  encoding?: TableEncoding,
): AsyncGenerator<readonly CsvLine[]> {
  const pieces = textPieces(file, encoding);
  try {
    const plain = new PlainLines(file, separator);
    for (;;) {
      const next = await pieces.next();
      const lines = next.done === true ? plain.end() : plain.take(next.value);
      if (lines !== undefined && lines.length > 0) yield lines;
      if (lines === undefined) {
        const { rest, linesBefore, lineEnd } = plain;
        return yield* parsedLines({ file, separator, linesBefore, lineEnd, chunks: withFirst(rest, pieces) });
      }
      if (next.done === true) return;
    }
  } finally {
    await pieces.return(undefined);
  }
}

/** Splits what needs no parser. */
class PlainLines {
  readonly #file: string;
  readonly #separator: string;
  /** What is not split yet; begins with a line. */
  rest: Buffer = Buffer.alloc(0);
  linesBefore = 0;
  lineEnd: LineEnd | undefined;
  #isFirst = true;
  /** Of blank lines since the last one that is none. */
  #bytes = 0;

  constructor(file: string, separator: string) {
    this.#file = file;
    this.#separator = separator;
  }

  /** The lines that a piece of the file ends; undefined where a parser has to go on with {@link rest}. */
  take(piece: Buffer): readonly CsvLine[] | undefined {
    this.rest = this.rest.length === 0 ? piece : Buffer.concat([this.rest, piece]);
    const { rest } = this;
    if (this.#isFirst && rest.length >= 3) {
      if (rest.subarray(0, byteOrderMark.length).equals(byteOrderMark)) return undefined;
      this.#isFirst = false;
    }
    if (rest.includes(quote)) return undefined;
    const end = rest.lastIndexOf(lineFeed) + 1;
    if (rest.length - end > mostLineBytes) return undefined;
    if (end === 0 || this.#isFirst) return [];
    const text = rest.toString('utf8', 0, end);
    this.lineEnd ??= firstEnd(rest);
    if (this.lineEnd === undefined || !hasOnly(text, this.lineEnd)) return undefined;
    this.rest = rest.subarray(end);
    const lines = text.split(this.lineEnd);
    lines.pop();
    return this.#cellsOf(lines);
  }

  /** The last line, if no line end is behind it. */
  end(): readonly CsvLine[] | undefined {
    const { rest } = this;
    if (this.#isFirst || rest.includes(carriageReturn)) return rest.length === 0 ? [] : undefined;
    return this.#cellsOf(rest.length === 0 ? [] : [rest.toString('utf8')]);
  }

  #cellsOf(lines: readonly string[]): readonly CsvLine[] {
    const found: CsvLine[] = [];
    for (const line of lines) {
      this.linesBefore += 1;
      const cells = splitLine(line, this.#separator);
      let isBlank = true;
      for (let place = 0; place < cells.length; place += 1) {
        const cell = (cells[place] ?? '').trim();
        cells[place] = cell;
        isBlank &&= cell === '';
      }
      checkWidth(cells.length, this.#file, this.linesBefore);
      this.#bytes += line.length + 1;
      if (isBlank) continue;
      found.push({ place: this.linesBefore, bytes: this.#bytes, cells });
      this.#bytes = 0;
    }
    return found;
  }
}

function firstEnd(bytes: Buffer): LineEnd | undefined {
  const [feed, ret] = [bytes.indexOf(lineFeed), bytes.indexOf(carriageReturn)];
  if (ret < 0 || ret > feed) return '\n';
  return ret === feed - 1 ? '\r\n' : undefined;
}

function hasOnly(text: string, end: LineEnd): boolean {
  if (end === '\n') return !text.includes('\r');
  const lines = text.split('\r\n').length;
  return text.split('\n').length === lines && text.split('\r').length === lines;
}

function checkWidth(cells: number, file: string, line: number): void {
  if (cells <= mostColumns) return;
  throw new ImportError(`expected at most ${mostColumns} cells in a line, got ${cells} [file=${file}, line=${line}]`);
}

async function* withFirst(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  // A parser that waits for what is not a line yet looks at small pieces as at large ones.
  for (let at = 0; at < first.length; at += readBytes) yield first.subarray(at, at + readBytes);
  for (;;) {
    const next = await rest.next();
    if (next.done === true) return;
    yield next.value;
  }
}

export interface TextToParse {
  readonly file: string;
  readonly separator: string;
  readonly chunks: AsyncIterable<Buffer>;
  /** Lines of the file before the text. */
  readonly linesBefore: number;
  /** How lines end, where that is known; else by the first one. */
  readonly lineEnd: LineEnd | undefined;
}

/** Lines by a parser that knows quotes and every line end. */
export async function* parsedLines(text: TextToParse): AsyncGenerator<readonly CsvLine[]> {
  const { file, separator, linesBefore, lineEnd } = text;
  const parser = parse({
    delimiter: separator === anyBlanks ? [' ', '\t'] : separator,
    ...(lineEnd === undefined ? {} : { record_delimiter: lineEnd }),
    info: true,
    bom: linesBefore === 0,
    trim: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: mostLineBytes,
  });
  // Whatever ends the one ends the other; what went wrong comes out of the loop below.
  pipeline(untilTooLong(text, parser), parser, () => {});
  let end = 0;
  let lines: CsvLine[] = [];
  try {
    for await (const { record: parsed, info } of parser as AsyncIterable<WithInfo>) {
      const record = separator === anyBlanks ? parsed.filter((cell) => cell !== '') : parsed;
      const place = linesBefore + info.lines;
      checkWidth(record.length, file, place);
      if (record.some((cell) => cell !== '')) lines.push({ place, bytes: info.bytes - end, cells: record });
      end = info.bytes;
      if (lines.length < linesAtOnce) continue;
      yield lines;
      lines = [];
    }
    if (lines.length > 0) yield lines;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = typeof cause['lines'] === 'number' ? linesBefore + cause['lines'] : '?';
    const got = cause.code === 'CSV_MAX_RECORD_SIZE' ? tooLong : 'a quote that is not closed or out of place';
    throw notCells(separator, got, file, line, cause);
  } finally {
    parser.destroy();
  }
}

const tooLong = `a line of more than ${mostLineBytes} bytes: is the separator or a quote wrong?`;

const notCells = (separator: string, got: string, file: string, line: number | string, cause?: unknown): ImportError =>
  new ImportError(`expected cells between ${quoted(separator)}, got ${got} [file=${file}, line=${line}]`, { cause });

/** Passes text on to the parser, which counts the text of cells only, for as long as lines end: separators and blanks count here. */
async function* untilTooLong(
  { chunks, file, separator, linesBefore }: TextToParse,
  parser: Parser,
): AsyncGenerator<Buffer> {
  const { info } = parser;
  let ended = 0;
  let open = 0;
  for await (const chunk of chunks) {
    yield chunk;
    const now = info.records + info.empty_lines;
    open = now === ended ? open + chunk.length : 0;
    ended = now;
    // What the parser has not looked at yet may end the line.
    if (open - parser.writableLength > mostLineBytes)
      throw notCells(separator, tooLong, file, linesBefore + info.lines);
  }
}

/** With `info` a record stands beside what is known of it, which the types of the library do not say. */
interface WithInfo {
  readonly record: readonly string[];
  /** `lines`: the one it ends on, from 1; `bytes`: where it ends in the text. */
  readonly info: { readonly lines: number; readonly bytes: number };
}
