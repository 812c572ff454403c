/** One field of a protobuf message as it lies in the bytes; a number for wire type 0, a stretch of bytes for wire type 2. `from` is where its tag begins, `to` where it ends. */
export type WireField = { readonly number: number; readonly from: number; readonly to: number } & (
  | { readonly kind: 'varint'; readonly value: number }
  | { readonly kind: 'bytes'; readonly start: number; readonly end: number }
  | { readonly kind: 'other' }
);

/**
 * Walks the fields of a message between two offsets, all of them: a parser that merges what comes twice sees no more than this
 * does (https://protobuf.dev/programming-guides/encoding). Varints are exact up to 2⁵³. Throws a RangeError for bytes that are no message.
 */
export function* wireFields(bytes: Uint8Array, start: number, end: number): Generator<WireField> {
  const cursor: Cursor = { bytes, end, at: start };
  while (cursor.at < end) {
    const from = cursor.at;
    const tag = varint(cursor);
    const number = Math.floor(tag / 8);
    if (number === 0) throw new RangeError(`expected a field number before byte ${cursor.at}, got 0`);
    switch (tag % 8) {
      case 0: {
        const value = varint(cursor);
        yield { number, from, to: cursor.at, kind: 'varint', value };
        break;
      }
      case 1:
        skip(cursor, 8);
        yield { number, from, to: cursor.at, kind: 'other' };
        break;
      case 2: {
        const size = varint(cursor);
        const first = cursor.at;
        skip(cursor, size);
        yield { number, from, to: cursor.at, kind: 'bytes', start: first, end: cursor.at };
        break;
      }
      case 5:
        skip(cursor, 4);
        yield { number, from, to: cursor.at, kind: 'other' };
        break;
      default:
        throw new RangeError(`expected a field of a known wire type before byte ${cursor.at}, got ${tag % 8}`);
    }
  }
}

interface Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
}

function varint(cursor: Cursor): number {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = cursor.at < cursor.end ? cursor.bytes[cursor.at] : undefined;
    if (byte === undefined) break;
    cursor.at += 1;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
  throw new RangeError(`expected a whole number before byte ${cursor.at}, got none`);
}

function skip(cursor: Cursor, count: number): void {
  cursor.at += count;
  if (!(cursor.at <= cursor.end)) throw new RangeError(`expected ${count} bytes before byte ${cursor.end}, got fewer`);
}
