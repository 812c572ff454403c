import { crc32 } from 'node:zlib';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Length, name and checksum of a chunk. */
const chunkFrame = 12;

/** A part of a PNG file. */
export interface PngChunk {
  readonly name: string;
  readonly body: Uint8Array;
  /** With its length, name and checksum. */
  readonly whole: Uint8Array;
}

export const isPng = (file: Uint8Array): boolean => signature.every((byte, index) => file[index] === byte);

/**
 * The chunks of a PNG file up to its end, each with a sound checksum; nothing is unpacked. Throws a TypeError, in words, for what is none or not whole.
 * W3C "Portable Network Graphics", third edition, 5.
 */
export function* pngChunks(file: Uint8Array): Generator<PngChunk> {
  if (!isPng(file)) throw new TypeError('expected a PNG file, got other bytes');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = signature.length;
  while (at + chunkFrame <= file.length) {
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end + 4 > file.length) throw new TypeError('expected a whole PNG file, got one that is cut off');
    const named = file.subarray(at + 4, end);
    if (crc32(named) !== view.getUint32(end)) throw new TypeError('expected a sound PNG file, got a wrong checksum');
    const name = Buffer.from(file.subarray(at + 4, at + 8)).toString('latin1');
    yield { name, body: named.subarray(4), whole: file.subarray(at, end + 4) };
    if (name === 'IEND') return;
    at = end + 4;
  }
  throw new TypeError('expected a whole PNG file, got one without an end');
}

/** The eight bytes that every PNG file begins with, and these chunks. */
export const pngOf = (chunks: readonly PngChunk[]): Uint8Array =>
  Buffer.concat([signature, ...chunks.map(({ whole }) => whole)]);
