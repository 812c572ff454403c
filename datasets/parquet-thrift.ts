import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** What the library writes of its own, such as the footer: it calls a method for every field. */
export interface ThriftWritable {
  write(protocol: unknown): void;
}

const library = require('parquetjs-lite/lib/util.js') as { serializeThrift: (value: ThriftWritable) => Uint8Array };

/**
 * The library makes a buffer of every byte of its footers, which took a fifth of the time of an import; these are the same bytes. What others write with the
 * library may hold more than our footers do: it is left to the library.
 */
export function teachThrift(): void {
  const byLibrary = library.serializeThrift;
  library.serializeThrift = (value) => {
    try {
      return thriftBytes(value);
    } catch (error) {
      if (error instanceof TypeError) return byLibrary(value);
      throw error;
    }
  };
}

/** Throws a TypeError for what no footer of ours holds. */
export function thriftBytes(value: ThriftWritable): Uint8Array {
  const protocol = new CompactWriter();
  value.write(protocol);
  return protocol.bytes();
}

/** Types of the compact protocol by those of Thrift: byte, double, i16, i32, i64, text, struct, map, set and list. */
const compactTypes: ReadonlyMap<number, number> = new Map([
  [3, 3],
  [4, 7],
  [6, 4],
  [8, 5],
  [10, 6],
  [11, 8],
  [12, 12],
  [13, 11],
  [14, 10],
  [15, 9],
]);

/**
 * Thrift's compact protocol as the library's structures call it; what they have no use for in a file without statistics is missing, and fails.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
class CompactWriter {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;
  #lastId = 0;
  readonly #lastIds: number[] = [];

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  writeStructBegin(): void {
    this.#lastIds.push(this.#lastId);
    this.#lastId = 0;
  }

  writeStructEnd(): void {
    this.#lastId = this.#lastIds.pop() ?? 0;
  }

  writeFieldBegin(_: string, type: number, id: number): void {
    const further = id - this.#lastId;
    const isNear = further > 0 && further <= 15;
    this.#byte((isNear ? further << 4 : 0) | compactType(type));
    if (!isNear) this.writeI32(id);
    this.#lastId = id;
  }

  writeFieldEnd(): void {}

  writeFieldStop(): void {
    this.#byte(0);
  }

  writeListBegin(type: number, size: number): void {
    this.#byte((Math.min(15, size) << 4) | compactType(type));
    if (size >= 15) this.#varint(size);
  }

  writeListEnd(): void {}

  writeI32(value: number): void {
    this.#varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** Of at most 2^52, as a number or as an object of the library. */
  writeI64(value: unknown): void {
    this.writeI32(Number(value));
  }

  writeString(text: string): void {
    const size = Buffer.byteLength(text);
    this.#varint(size);
    this.#makeRoom(size);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Seven bits a byte. */
  #varint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#byte((rest % 128) + 128);
    this.#byte(rest);
  }

  #byte(value: number): void {
    this.#makeRoom(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  #makeRoom(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(2 * (this.#length + more));
    grown.set(this.bytes());
    this.#bytes = grown;
  }
}

function compactType(type: number): number {
  const compact = compactTypes.get(type);
  if (compact === undefined) throw new TypeError(`expected a type that footers have, got ${type}`);
  return compact;
}
