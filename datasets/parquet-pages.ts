import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

import { footerSizeBytes, readParquetFooter, type ColumnChunk, type ParquetFooter } from './parquet-footer.ts';
import { readThriftStruct, type ThriftStruct, type WantedFields } from './thrift-compact.ts';

/** What reading a file may cost at most; see `segment.pages` in the rules. */
export interface PageLimits {
  readonly pageBytes: number;
  /** All pages of all columns, uncompressed. */
  readonly totalBytes: number;
  /** All pages of the columns in `textColumns`, uncompressed, dictionaries included. */
  readonly textBytes: number;
  readonly textColumns: ReadonlySet<string>;
  /** Values of one column, lists taken apart. */
  readonly columnValues: number;
  readonly pages: number;
}

/** A window on a file; page headers are a few dozen bytes, pages kilobytes. */
const windowBytes = 256 * 1024;
/** Statistics may make a header long; one beyond this is no robot's. */
const maxHeaderBytes = 64 * 1024;
const maxFooterBytes = 4 * 1024 * 1024;

/** Type, sizes; number of values of a data page, a dictionary, a data page of version 2. */
const headerFields: WantedFields = { 1: true, 2: true, 3: true, 5: { 1: true }, 7: { 1: true }, 8: { 1: true } };

/**
 * Walks over the page headers of a Parquet file and adds up what they announce, without decompressing anything: a reader
 * allocates by these numbers, whatever the footer says. Gives the first limit that is broken, in words; undefined when all
 * hold. Cost: linear in pages, at most `limits.pages`. Never throws on what the bytes are.
 */
export function pageProblem(file: string | Uint8Array, limits: PageLimits): string | undefined {
  if (typeof file !== 'string') return problemIn(bytesOf(file), limits);
  const descriptor = openSync(file, 'r');
  try {
    return problemIn(windowOn(descriptor), limits);
  } finally {
    closeSync(descriptor);
  }
}

function problemIn(source: Source, limits: PageLimits): string | undefined {
  try {
    const footer = footerOf(source);
    return footer === undefined ? 'no footer that can be read' : walk(source, footer, limits);
  } catch (error) {
    if (error instanceof RangeError) return `a page header that cannot be read: ${error.message}`;
    throw error;
  }
}

interface Source {
  readonly sizeBytes: number;
  /** At most `length` bytes from `start` on; valid until the next call. */
  bytes(start: number, length: number): Uint8Array;
}

const bytesOf = (bytes: Uint8Array): Source => ({
  sizeBytes: bytes.length,
  bytes: (start, length) => bytes.subarray(start, start + length),
});

function windowOn(file: number): Source {
  const sizeBytes = fstatSync(file).size;
  let window = new Uint8Array(Math.min(sizeBytes, windowBytes));
  let [from, held] = [0, 0];
  return {
    sizeBytes,
    bytes: (start, length) => {
      const end = Math.min(sizeBytes, start + length);
      if (start < from || end > from + held) {
        if (end - start > window.length) window = new Uint8Array(end - start);
        from = start;
        held = readSync(file, window, 0, Math.min(window.length, sizeBytes - start), start);
      }
      return window.subarray(start - from, Math.min(held, end - from));
    },
  };
}

function footerOf(source: Source): ParquetFooter | undefined {
  const { sizeBytes } = source;
  const footerBytes = footerSizeBytes(source.bytes(Math.max(0, sizeBytes - 8), 8)) ?? 0;
  if (footerBytes === 0 || footerBytes > Math.min(sizeBytes, maxFooterBytes)) return undefined;
  return readParquetFooter(source.bytes(sizeBytes - footerBytes, footerBytes));
}

interface Sums {
  pages: number;
  total: number;
  text: number;
  readonly values: Map<string, number>;
}

function walk(source: Source, footer: ParquetFooter, limits: PageLimits): string | undefined {
  const sums: Sums = { pages: 0, total: 0, text: 0, values: new Map() };
  for (const chunk of footer.chunks) {
    const problem = walkChunk(source, chunk, limits, sums);
    if (problem !== undefined) return `${chunk.path[0] ?? 'a column'}: ${problem}`;
  }
  return undefined;
}

/** Follows the pages of a chunk until they hold as many values as the footer says. */
function walkChunk(source: Source, chunk: ColumnChunk, limits: PageLimits, sums: Sums): string | undefined {
  const isText = limits.textColumns.has(chunk.path[0] ?? '');
  const name = chunk.path.join('.');
  let position = chunk.start;
  for (let seen = 0; seen < chunk.values;) {
    if (++sums.pages > limits.pages) return `more than ${limits.pages} pages`;
    if (position < 0 || position >= source.sizeBytes) return 'a page outside the file';
    const { struct, sizeBytes } = readThriftStruct(source.bytes(position, maxHeaderBytes), headerFields);
    const page = pageOf(struct);
    if (page.uncompressedBytes > limits.pageBytes)
      return most('bytes a page', limits.pageBytes, page.uncompressedBytes);
    if (page.dictionaryValues > page.uncompressedBytes) {
      return `a dictionary of ${page.dictionaryValues} values in ${page.uncompressedBytes} bytes`;
    }
    sums.total += page.uncompressedBytes;
    if (isText) sums.text += page.uncompressedBytes;
    if (sums.total > limits.totalBytes) return most('bytes uncompressed', limits.totalBytes, sums.total);
    if (sums.text > limits.textBytes) return most('bytes of text', limits.textBytes, sums.text);
    seen += page.values;
    position += sizeBytes + page.compressedBytes;
    const values = (sums.values.get(name) ?? 0) + page.values;
    sums.values.set(name, values);
    if (values > limits.columnValues) return most('values', limits.columnValues, values);
  }
  return undefined;
}

const most = (what: string, limit: number, got: number): string => `expected at most ${limit} ${what}, got ${got}`;

function pageOf(header: ThriftStruct): {
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  readonly values: number;
  readonly dictionaryValues: number;
} {
  return {
    uncompressedBytes: count(header.get(2)),
    compressedBytes: count(header.get(3)),
    values: countIn(header, 5) + countIn(header, 8),
    dictionaryValues: countIn(header, 7),
  };
}

const countIn = (header: ThriftStruct, field: number): number => {
  const inner = header.get(field);
  return inner instanceof Map ? count(inner.get(1)) : 0;
};

function count(value: unknown): number {
  if (typeof value === 'number' && value >= 0) return value;
  throw new RangeError('expected a count');
}
