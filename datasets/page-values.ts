/** Values of one column of a page as they stand in it (Parquet's plain encoding), in the order of bytes of every processor that Node.js runs on. */
export interface PageValues {
  /** A value so many times. */
  add(value: unknown, times: number): void;
  /** Numbers one behind the other. */
  addNumbers(values: ArrayLike<number>): void;
  /** Valid until the next change. */
  bytes(): Uint8Array;
  clear(): void;
}

/** For values of a type as the library names it. */
export function pageValues(type: 'UTF8' | 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE' | 'BOOLEAN'): PageValues {
  switch (type) {
    case 'FLOAT':
      return new Numbers(new Float32Array(firstRoom), bytesOf);
    case 'DOUBLE':
      return new Numbers(new Float64Array(firstRoom), bytesOf);
    case 'INT32':
      return new Numbers(new Float64Array(firstRoom), (values) => bytesOf(new Int32Array(values)));
    case 'INT64':
      return new Numbers(new Float64Array(firstRoom), wideBytes);
    case 'BOOLEAN':
      return new Truths();
    case 'UTF8':
      return new Texts();
  }
}

const firstRoom = 256;

class Numbers implements PageValues {
  #values: Float32Array | Float64Array;
  #length = 0;
  readonly #bytesOf: (values: Float32Array | Float64Array) => Uint8Array;

  constructor(values: Float32Array | Float64Array, asBytes: (values: Float32Array | Float64Array) => Uint8Array) {
    this.#values = values;
    this.#bytesOf = asBytes;
  }

  add(value: unknown, times: number): void {
    this.#makeRoom(times);
    // The library writes 0 for −0.
    this.#values.fill((value as number) + 0, this.#length, this.#length + times);
    this.#length += times;
  }

  addNumbers(values: ArrayLike<number>): void {
    this.#makeRoom(values.length);
    const [into, from] = [this.#values, this.#length];
    for (let place = 0; place < values.length; place += 1) into[from + place] = (values[place] ?? 0) + 0;
    this.#length += values.length;
  }

  #makeRoom(more: number): void {
    if (this.#length + more <= this.#values.length) return;
    const room = Math.max(2 * this.#values.length, this.#length + more);
    const grown = this.#values instanceof Float32Array ? new Float32Array(room) : new Float64Array(room);
    grown.set(this.#values);
    this.#values = grown;
  }

  bytes(): Uint8Array {
    return this.#bytesOf(this.#values.subarray(0, this.#length));
  }

  clear(): void {
    this.#length = 0;
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Float64Array | Int32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Whole numbers of 53 bits as those of 64, in two halves: no `bigint` is made. */
function wideBytes(values: ArrayLike<number>): Uint8Array {
  const halves = new Int32Array(2 * values.length);
  for (let place = 0; place < values.length; place += 1) {
    const value = values[place] ?? 0;
    const high = Math.floor(value / 4_294_967_296);
    halves[2 * place] = value - high * 4_294_967_296;
    halves[2 * place + 1] = high;
  }
  return bytesOf(halves);
}

/** Texts, each behind its length. */
class Texts implements PageValues {
  #bytes = Buffer.alloc(firstRoom);
  #length = 0;

  add(value: unknown, times: number): void {
    const text = String(value);
    const textBytes = Buffer.byteLength(text);
    const one = lengthBytes + textBytes;
    const [start, end] = [this.#length, this.#length + one * times];
    if (end > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(2 * this.#bytes.length, end));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
    }
    this.#bytes.writeUInt32LE(textBytes, start);
    this.#bytes.write(text, start + lengthBytes);
    // What stands there is copied behind itself, twice as much each time.
    for (let at = start + one; at < end; at += at - start)
      this.#bytes.copyWithin(at, start, Math.min(at, start + end - at));
    this.#length = end;
  }

  addNumbers(): never {
    throw new TypeError('expected texts, got numbers');
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }
}

const lengthBytes = 4;

/** A bit each. */
class Truths implements PageValues {
  #values: boolean[] = [];

  add(value: unknown, times: number): void {
    for (let time = 0; time < times; time += 1) this.#values.push(value === true);
  }

  addNumbers(): never {
    throw new TypeError('expected truth values, got numbers');
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.#values.length / 8));
    for (const [place, value] of this.#values.entries())
      if (value) bytes[place >> 3] = (bytes[place >> 3] ?? 0) | (1 << (place & 7));
    return bytes;
  }

  clear(): void {
    this.#values = [];
  }
}
