import type { ColumnType } from './columns.ts';
import { decodeThriftStruct, type ThriftStruct, type ThriftValue, type WantedFields } from './thrift-compact.ts';
import { dictionary } from '../domain/dictionary.ts';

export type FooterColumnType = Exclude<ColumnType, 'timestamp' | 'date' | 'mediaList'> | 'other';

/** The pages of one column in one row group, as the footer claims them. */
export interface ColumnChunk {
  /** From the top-level column to the leaf. */
  readonly path: readonly string[];
  readonly values: number;
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  /** Offset of the first page header. */
  readonly start: number;
}

/** What a Parquet file claims about itself in its footer; nothing of its data is read or believed. */
export interface ParquetFooter {
  readonly rows: number;
  /** The most values that one column claims, lists taken apart: what a reader would have to hold. */
  readonly mostValues: number;
  /** Top-level columns with the type they have for us; `other` is one we do not know. */
  readonly columns: ReadonlyMap<string, FooterColumnType>;
  /** Names of the top-level columns as they stand there, the same one perhaps twice. */
  readonly names: readonly string[];
  readonly chunks: readonly ColumnChunk[];
  readonly metadata: Readonly<Record<string, string>>;
}

export const parquetMagic = 'PAR1';
/** Length of the footer and the magic bytes at the end of a file. */
const trailerBytes = 8;

/** Bytes of the footer with its trailer, by the last eight bytes of the file; undefined when they are no Parquet trailer. */
export function footerSizeBytes(tail: Uint8Array): number | undefined {
  if (tail.length < trailerBytes || text(tail.subarray(-4)) !== parquetMagic) return undefined;
  return new DataView(tail.buffer, tail.byteOffset + tail.length - trailerBytes, 4).getUint32(0, true) + trailerBytes;
}

/** Reads a footer out of the last bytes of a file; undefined when they hold none. Never throws, whatever the bytes are. */
export function readParquetFooter(tail: Uint8Array): ParquetFooter | undefined {
  const sizeBytes = footerSizeBytes(tail);
  if (sizeBytes === undefined || sizeBytes > tail.length) return undefined;
  try {
    return footerOf(
      decodeThriftStruct(tail.subarray(tail.length - sizeBytes, tail.length - trailerBytes), footerFields),
    );
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Schema, number of rows, of each column chunk path, values, sizes and where its pages lie, key and value pairs. */
const footerFields: WantedFields = {
  2: true,
  3: true,
  4: { 1: { 3: { 3: true, 5: true, 6: true, 7: true, 9: true, 11: true } } },
  5: true,
};

/** Field ids by https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift */
function footerOf(file: ThriftStruct): ParquetFooter {
  const chunks = structs(file.get(4)).flatMap((group) => structs(group.get(1)).map(chunkOf));
  const valuesByColumn = new Map<string, number>();
  for (const { path, values } of chunks) {
    const name = path.join('.');
    valuesByColumn.set(name, (valuesByColumn.get(name) ?? 0) + values);
  }
  const elements = structs(file.get(2));
  return {
    rows: number(file.get(3)),
    mostValues: [...valuesByColumn.values()].reduce((most, values) => Math.max(most, values), 0),
    ...columnsOf(elements),
    chunks,
    metadata: dictionary(
      structs(file.get(5)).map((pair) => [textOf(pair.get(1)), pair.has(2) ? textOf(pair.get(2)) : ''] as const),
    ),
  };
}

function chunkOf(chunk: ThriftStruct): ColumnChunk {
  const meta = struct(chunk.get(3));
  const dictionary = meta.get(11);
  const data = number(meta.get(9));
  return {
    path: items(meta.get(3)).map(textOf),
    values: number(meta.get(5)),
    uncompressedBytes: number(meta.get(6)),
    compressedBytes: number(meta.get(7)),
    // Some writers give 0 where there is no dictionary.
    start: typeof dictionary === 'number' && dictionary > 0 ? Math.min(dictionary, data) : data,
  };
}

/** The schema comes as a flat list in preorder; the first element is the root. */
function columnsOf(elements: readonly ThriftStruct[]): Pick<ParquetFooter, 'columns' | 'names'> {
  const columns = new Map<string, FooterColumnType>();
  const names: string[] = [];
  let position = 1;
  while (position < elements.length) {
    const end = endOf(elements, position);
    const subtree = elements.slice(position, end);
    const name = textOf(subtree[0]?.get(4));
    names.push(name);
    columns.set(name, columnType(subtree));
    position = end;
  }
  return { columns, names };
}

/** Where the subtree that begins at `start` ends. Not recursive: depth is the file's to say. */
function endOf(elements: readonly ThriftStruct[], start: number): number {
  let end = start;
  for (let missing = 1; missing > 0 && end < elements.length; end++) {
    missing += Math.max(0, Number(elements[end]?.get(5) ?? 0)) - 1;
  }
  return end;
}

function columnType(subtree: readonly ThriftStruct[]): FooterColumnType {
  const [top, middle, leaf] = subtree;
  if (top === undefined) return 'other';
  if (subtree.length === 1) return isRepeated(top) ? 'other' : leafType(top);
  const isList =
    subtree.length === 3 &&
    !isRepeated(top) &&
    isAnnotatedList(top) &&
    isRepeated(middle) &&
    Number(middle?.get(5)) === 1 &&
    !isRepeated(leaf) &&
    leaf?.get(5) === undefined;
  return isList && leafType(leaf) === 'float32' ? 'float32List' : 'other';
}

const isRepeated = (element: ThriftStruct | undefined): boolean => element?.get(3) === 2;
const isAnnotatedList = (element: ThriftStruct): boolean => element.get(6) === 3 || logicalTypeOf(element) === 3;

/** The member of the union LogicalType that is set; undefined for none. */
const logicalTypeOf = (element: ThriftStruct): number | undefined =>
  element.has(10) ? [...struct(element.get(10)).keys()][0] : undefined;

/**
 * Only annotations that do not change how the stored values read: none, UTF8 text, plain signed 32 and 64 bit. A reader
 * turns every other one (timestamps, decimals, unsigned) into a type of its own.
 */
function leafType(leaf: ThriftStruct | undefined): FooterColumnType {
  if (leaf === undefined) return 'other';
  const [converted, logical] = [leaf.get(6), logicalTypeOf(leaf)];
  const isPlain = converted === undefined && logical === undefined;
  switch (Number(leaf.get(1))) {
    case 0:
      return isPlain ? 'boolean' : 'other';
    case 1:
      return isSignedInteger(leaf, 17, 32) ? 'int32' : 'other';
    case 2:
      return isSignedInteger(leaf, 18, 64) ? 'int64' : 'other';
    case 4:
      return isPlain ? 'float32' : 'other';
    case 5:
      return isPlain ? 'float64' : 'other';
    case 6:
      return (converted === 0 || logical === 1) && (converted ?? 0) === 0 && (logical ?? 1) === 1 ? 'string' : 'other';
    default:
      return 'other';
  }
}

/** Not annotated, or as a signed integer of this width in the older way, the newer one, or both. */
function isSignedInteger(leaf: ThriftStruct, convertedType: number, bits: number): boolean {
  const [converted, logical] = [leaf.get(6), logicalTypeOf(leaf)];
  if (converted !== undefined && converted !== convertedType) return false;
  if (logical === undefined) return true;
  const integer = logical === 10 ? struct(struct(leaf.get(10)).get(10)) : undefined;
  return integer?.get(1) === bits && integer.get(2) === true;
}

const decoder = new TextDecoder();
const text = (bytes: Uint8Array): string => decoder.decode(bytes);

function textOf(value: ThriftValue | undefined): string {
  if (value instanceof Uint8Array) return text(value);
  throw new TypeError('expected text in a Parquet footer');
}

function number(value: ThriftValue | undefined): number {
  if (typeof value === 'number' && value >= 0) return value;
  throw new TypeError('expected a count in a Parquet footer');
}

function struct(value: ThriftValue | undefined): ThriftStruct {
  if (value instanceof Map) return value;
  throw new TypeError('expected a struct in a Parquet footer');
}

const items = (value: ThriftValue | undefined): readonly ThriftValue[] => (Array.isArray(value) ? value : []);
const structs = (value: ThriftValue | undefined): readonly ThriftStruct[] => items(value).map(struct);
