/** Something of an MCAP file is not what the format says; the message is the reason, without the file. */
export class McapProblem extends Error {
  override readonly name = 'McapProblem';
}

const decoder = new TextDecoder();

/** Reads numbers and texts of a record, little-endian, never beyond its end: `McapProblem` where it would. */
export class ByteCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  end: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = end;
  }

  u8(): number {
    return this.#view.getUint8(this.#step(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), true);
  }

  /** A length of 64 bits; beyond 2^53 it is rounded, and too large for anything. */
  u64(): number {
    const low = this.u32();
    return this.u32() * 2 ** 32 + low;
  }

  /** ns since 1970 as whole µs, exact for every date before the year 2250. */
  timeUs(): number {
    const low = this.u32();
    const high = this.u32();
    // 2^32 = 4,294,967 * 1,000 + 296
    return high * 4_294_967 + Math.floor((high * 296 + low) / 1000);
  }

  /** A text with its length before it. */
  text(mostBytes: number): string {
    const bytes = this.bytes();
    if (bytes.length > mostBytes) throw new McapProblem(`a text of more than ${mostBytes} bytes`);
    return decoder.decode(bytes);
  }

  /** Bytes with their length (32 bits) before them; a view. */
  bytes(): Uint8Array {
    const length = this.u32();
    const start = this.#step(length);
    return this.#bytes.subarray(start, start + length);
  }

  #step(length: number): number {
    const { at } = this;
    if (length > this.end - at) throw new McapProblem('a record that ends before its fields do');
    this.at = at + length;
    return at;
  }
}
