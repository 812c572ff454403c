/** A decoded Thrift struct: values by field id. Integers as numbers (exact to 2^53), text and binary as bytes. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;
export type ThriftValue = number | boolean | Uint8Array | ThriftStruct | readonly ThriftValue[];

/** Fields worth decoding, by id: `true` for all of the value, else which fields of the struct (or of a list's structs). */
export interface WantedFields {
  readonly [id: number]: true | WantedFields;
}

const maxDepth = 16;

/**
 * Decodes the wanted fields of one struct in Thrift's compact protocol, as Parquet footers use it, and passes over the
 * others. Bytes come from strangers: lengths are checked against what is left and depth is bounded, so time and memory
 * are linear in `bytes`. Throws RangeError on anything that does not fit.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export function decodeThriftStruct(bytes: Uint8Array, wanted: WantedFields): ThriftStruct {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = 0;

  const take = (length: number): number => {
    const start = position;
    if (length > bytes.length - start) throw new RangeError('expected more bytes');
    position += length;
    return start;
  };
  const byte = (): number => bytes[take(1)] as number;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const next = byte();
      value += (next & 0x7f) * factor;
      if (next < 0x80) return value;
      if (factor > 2 ** 63) throw new RangeError('expected a varint of at most ten bytes');
    }
  };
  const zigzag = (): number => {
    const value = varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  const binary = (): Uint8Array => {
    const length = varint();
    const start = take(length);
    return bytes.subarray(start, start + length);
  };
  const list = (depth: number, fields: true | WantedFields | undefined): readonly ThriftValue[] => {
    const header = byte();
    const size = header >> 4 === 15 ? varint() : header >> 4;
    if (size > bytes.length - position) throw new RangeError('expected a list that fits into what is left');
    const type = header & 0x0f;
    const items: ThriftValue[] = [];
    for (let item = 0; item < size; item++) {
      const read = type <= 2 ? byte() === 1 : value(type, depth, fields);
      if (fields !== undefined) items.push(read);
    }
    return items;
  };
  const struct = (depth: number, fields: true | WantedFields | undefined): ThriftStruct => {
    if (depth > maxDepth) throw new RangeError(`expected at most ${maxDepth} levels`);
    const found = fields === undefined ? nothing : new Map<number, ThriftValue>();
    for (let id = 0; ;) {
      const header = byte();
      if (header === 0) return found;
      id = header >> 4 === 0 ? zigzag() : id + (header >> 4);
      const field = fields === true ? true : fields?.[id];
      const read = value(header & 0x0f, depth, field);
      if (field !== undefined) found.set(id, read);
    }
  };
  const value = (type: number, depth: number, fields: true | WantedFields | undefined): ThriftValue => {
    switch (type) {
      case 1:
      case 2:
        return type === 1;
      case 3:
        return view.getInt8(take(1));
      case 4:
      case 5:
      case 6:
        return zigzag();
      case 7:
        return view.getFloat64(take(8), true);
      case 8:
        return binary();
      case 9:
      case 10:
        return list(depth + 1, fields);
      case 12:
        return struct(depth + 1, fields);
      default:
        throw new RangeError(`expected a type of Parquet's footer, got ${type}`);
    }
  };
  return struct(0, wanted);
}

/** Stands for structs nobody asked for; never written to. */
const nothing = new Map<number, ThriftValue>();
