import type { ColumnType } from './columns.ts';
import { decodeThriftStruct, type ThriftStruct, type ThriftValue, type WantedFields } from './thrift-compact.ts';
import { dictionary } from '../domain/dictionary.ts';

/** What a Parquet file claims about itself in its footer; nothing of its data is read or believed. */
export interface ParquetFooter {
  readonly rows: number;
  /** The most values that one column claims, lists taken apart: what a reader would have to hold. */
  readonly mostValues: number;
  /** Top-level columns with the type they have for us; `other` is one we do not know. */
  readonly columns: ReadonlyMap<string, Exclude<ColumnType, 'timestamp' | 'date' | 'mediaList'> | 'other'>;
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

/** Schema, number of rows, of each column chunk its path and number of values, key and value pairs. */
const footerFields: WantedFields = { 2: true, 3: true, 4: { 1: { 3: { 3: true, 5: true } } }, 5: true };

/** Field ids by https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift */
function footerOf(file: ThriftStruct): ParquetFooter {
  const chunks = structs(file.get(4)).flatMap((group) => structs(group.get(1)).map((chunk) => struct(chunk.get(3))));
  const valuesByColumn = new Map<string, number>();
  for (const chunk of chunks) {
    const path = items(chunk.get(3)).map(textOf).join('.');
    valuesByColumn.set(path, (valuesByColumn.get(path) ?? 0) + number(chunk.get(5)));
  }
  return {
    rows: number(file.get(3)),
    mostValues: [...valuesByColumn.values()].reduce((most, values) => Math.max(most, values), 0),
    columns: columnsOf(structs(file.get(2))),
    metadata: dictionary(
      structs(file.get(5)).map((pair) => [textOf(pair.get(1)), pair.has(2) ? textOf(pair.get(2)) : ''] as const),
    ),
  };
}

/** The schema comes as a flat list in preorder; the first element is the root. */
function columnsOf(elements: readonly ThriftStruct[]): ParquetFooter['columns'] {
  const columns = new Map<string, 'other' | Exclude<ColumnType, 'timestamp' | 'date' | 'mediaList'>>();
  let position = 1;
  const endOf = (start: number): number => {
    const children = Number(elements[start]?.get(5) ?? 0);
    let end = start + 1;
    for (let child = 0; child < children && end < elements.length; child++) end = endOf(end);
    return end;
  };
  while (position < elements.length) {
    const end = endOf(position);
    const subtree = elements.slice(position, end);
    columns.set(textOf(subtree[0]?.get(4)), columnType(subtree));
    position = end;
  }
  return columns;
}

function columnType(subtree: readonly ThriftStruct[]): 'other' | 'float32List' | ReturnType<typeof leafType> {
  const [top] = subtree;
  const leaf = subtree.at(-1);
  if (top === undefined || leaf === undefined) return 'other';
  const isRepeated = subtree.some((element) => element.get(3) === 2);
  if (subtree.length === 1 && !isRepeated) return leafType(leaf);
  const isList = subtree.length <= 3 && isRepeated && subtree.filter((element) => element.get(3) === 2).length === 1;
  return isList && leafType(leaf) === 'float32' ? 'float32List' : 'other';
}

/** Annotations that do not change how the stored numbers read: none, UTF8 text, plain signed 32 and 64 bit. */
function leafType(leaf: ThriftStruct): 'other' | 'boolean' | 'int32' | 'int64' | 'float32' | 'float64' | 'string' {
  const converted = leaf.get(6);
  const isText = converted === 0 || (leaf.has(10) && struct(leaf.get(10)).has(1));
  switch (Number(leaf.get(1))) {
    case 0:
      return 'boolean';
    case 1:
      return converted === undefined || converted === 17 ? 'int32' : 'other';
    case 2:
      return converted === undefined || converted === 18 ? 'int64' : 'other';
    case 4:
      return 'float32';
    case 5:
      return 'float64';
    case 6:
      return isText ? 'string' : 'other';
    default:
      return 'other';
  }
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
