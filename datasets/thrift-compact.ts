/** A decoded Thrift struct: values by field id. Integers as numbers (exact to 2^53), text and binary as bytes. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;
export type ThriftValue = number | boolean | Uint8Array | ThriftStruct | readonly ThriftValue[];

/** Fields worth decoding, by id: `true` for all of the value, else which fields of the struct (or of a list's structs). */
export interface WantedFields {
  readonly [id: number]: true | WantedFields;
}

const maxDepth = 16;
/** A footer of a million frames has about 200,000 values; one that claims more is refused before it costs time. */
const maxValues = 400_000;

/** The wanted fields of one struct at the start of `bytes`; see {@link readThriftStruct}. */
export const decodeThriftStruct = (bytes: Uint8Array, wanted: WantedFields): ThriftStruct =>
  readThriftStruct(bytes, wanted).struct;

/**
 * Decodes the wanted fields of one struct in Thrift's compact protocol, as Parquet footers use it, and passes over the
 * others; says how many bytes the struct took. Bytes come from strangers: lengths are checked against what is left, depth
 * and the number of values are bounded, so time and memory are linear in `bytes` and bounded however long they are. Throws
 * RangeError on anything that does not fit.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export function readThriftStruct(
  bytes: Uint8Array,
  wanted: WantedFields,
): { readonly struct: ThriftStruct; readonly sizeBytes: number } {
  const reader = new CompactReader(bytes);
  return { struct: reader.struct(0, wanted), sizeBytes: reader.position };
}

/** Stands for structs nobody asked for; never written to. */
const nothing = new Map<number, ThriftValue>();

/** A class, not closures: a file has thousands of page headers, and each is one of these. */
class CompactReader {
  position = 0;
  private readonly bytes: Uint8Array;
  private values = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  struct(depth: number, fields: true | WantedFields | undefined): ThriftStruct {
    if (depth > maxDepth) throw new RangeError(`expected at most ${maxDepth} levels`);
    const found = fields === undefined ? nothing : new Map<number, ThriftValue>();
    for (let id = 0; ;) {
      const header = this.byte();
      if (header === 0) return found;
      this.countValues(1);
      id = header >> 4 === 0 ? this.zigzag() : id + (header >> 4);
      const field = fields === true ? true : fields?.[id];
      const read = this.value(header & 0x0f, depth, field);
      if (field !== undefined) found.set(id, read);
    }
  }

  private value(type: number, depth: number, fields: true | WantedFields | undefined): ThriftValue {
    switch (type) {
      case 1:
      case 2:
        return type === 1;
      case 3:
        return (this.byte() << 24) >> 24;
      case 4:
      case 5:
      case 6:
        return this.zigzag();
      case 7:
        return this.double();
      case 8:
        return this.binary();
      case 9:
      case 10:
        return this.list(depth + 1, fields);
      case 12:
        return this.struct(depth + 1, fields);
      default:
        throw new RangeError(`expected a type of Parquet's footer, got ${type}`);
    }
  }

  private list(depth: number, fields: true | WantedFields | undefined): readonly ThriftValue[] {
    const header = this.byte();
    const size = header >> 4 === 15 ? this.varint() : header >> 4;
    if (size > this.bytes.length - this.position) throw new RangeError('expected a list that fits into what is left');
    this.countValues(size);
    const type = header & 0x0f;
    const items: ThriftValue[] = [];
    for (let item = 0; item < size; item++) {
      const read = type <= 2 ? this.byte() === 1 : this.value(type, depth, fields);
      if (fields !== undefined) items.push(read);
    }
    return items;
  }

  private binary(): Uint8Array {
    const length = this.varint();
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }

  private double(): number {
    const start = this.take(8);
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + start, 8).getFloat64(0, true);
  }

  private zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  private varint(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let factor = 128; ; factor *= 128) {
      const next = this.byte();
      value += (next & 0x7f) * factor;
      if (next < 0x80) return value;
      if (factor > 2 ** 63) throw new RangeError('expected a varint of at most ten bytes');
    }
  }

  private byte(): number {
    const value = this.bytes[this.position];
    if (value === undefined) throw new RangeError('expected more bytes');
    this.position++;
    return value;
  }

  private take(length: number): number {
    const start = this.position;
    if (length > this.bytes.length - start) throw new RangeError('expected more bytes');
    this.position += length;
    return start;
  }

  private countValues(more: number): void {
    this.values += more;
    if (this.values > maxValues) throw new RangeError(`expected at most ${maxValues} values`);
  }
}
