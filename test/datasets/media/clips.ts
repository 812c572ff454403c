import sharp from 'sharp';

import { ClipError } from '../../../datasets/media/clip-format.ts';
import type { ClipSource } from '../../../datasets/media/read-clip.ts';
import { writeClip, type ClipFormat } from '../../../datasets/media/write-clip.ts';

export interface TimedImage {
  readonly atUs: number;
  readonly jpeg: Uint8Array;
}

/** A whole clip in memory. */
export async function clipOf(format: ClipFormat, images: readonly TimedImage[]): Promise<Uint8Array> {
  const known = images.map(({ atUs, jpeg }) => ({ atUs, sizeBytes: jpeg.length }));
  const pieces: Uint8Array[] = [];
  for await (const piece of writeClip(
    format,
    known,
    images.map(({ jpeg }) => jpeg),
  ))
    pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

/** Bytes as a file, with what was read of them. */
export function memorySource(
  bytes: Uint8Array,
): ClipSource & { readonly readBytes: () => number; readonly reads: () => number } {
  let [total, reads] = [0, 0];
  return {
    sizeBytes: bytes.length,
    read: async (start, end) => {
      total += end - start;
      reads += 1;
      return bytes.slice(start, end);
    },
    readBytes: () => total,
    reads: () => reads,
  };
}

/** For `assert.rejects` and `assert.throws`: a clip error of that fault that says so. */
export function fault(expected: ClipError['fault'], says: RegExp): (error: unknown) => boolean {
  return (error) => {
    if (error instanceof ClipError && error.fault === expected && says.test(error.message)) return true;
    throw new Error(`expected a clip error "${expected}" that says ${says}, got ${String(error)}`);
  };
}

interface Place {
  readonly at: number;
  readonly size: number;
}

/** Where the first box of a name stands in a clip: its first byte and its size. */
export function boxAt(clip: Uint8Array, name: string): Place {
  const at = Buffer.from(clip).indexOf(name, 0, 'latin1') - 4;
  if (at < 0) throw new Error(`expected a box ${name}`);
  return { at, size: new DataView(clip.buffer, clip.byteOffset).getUint32(at) };
}

/** A clip with another number in 32 bits of a box, counted from the box's first byte. */
export function patched(clip: Uint8Array, name: string, offset: number, value: number): Uint8Array {
  const copy = clip.slice();
  new DataView(copy.buffer).setUint32(boxAt(clip, name).at + offset, value);
  return copy;
}

/** A clip with a box put in front of another one, in the boxes named around it, whose sizes grow; places of images are not moved. */
export function withBox(clip: Uint8Array, around: readonly string[], before: string, box: Uint8Array): Uint8Array {
  const copy = clip.slice();
  for (const name of around) {
    const { at, size } = boxAt(clip, name);
    new DataView(copy.buffer).setUint32(at, size + box.length);
  }
  const { at } = boxAt(clip, before);
  return new Uint8Array(Buffer.concat([copy.subarray(0, at), box, copy.subarray(at)]));
}

/** A box with a version and flags of zero. */
export function fullBox(name: string, ...numbers: readonly number[]): Uint8Array {
  const box = new DataView(new ArrayBuffer(12 + 4 * numbers.length));
  box.setUint32(0, box.byteLength);
  new TextEncoder().encodeInto(name, new Uint8Array(box.buffer, 4, 4));
  for (const [index, number] of numbers.entries()) box.setUint32(12 + 4 * index, number);
  return new Uint8Array(box.buffer);
}

/** Images of a moving ramp as JPEG, `count` of them, at 10 a second from 0. */
export async function rampImages(
  { width, height, count, grey = false }: { width: number; height: number; count: number; grey?: boolean },
  valueAt = (at: number, index: number): number => (at * 3 + index * 17) % 256,
): Promise<readonly TimedImage[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const pixels = Uint8Array.from({ length: width * height * 3 }, (_unused, at) => valueAt(at, index));
      const image = sharp(pixels, { raw: { width, height, channels: 3 } });
      const jpeg = await (grey ? image.greyscale() : image).jpeg().toBuffer();
      return { atUs: index * 100_000, jpeg };
    }),
  );
}
