import { ClipError } from './clip-format.ts';
import { jpegSize } from './jpeg-size.ts';
import { isPng, pngChunks, pngOf, type PngChunk } from './png-chunks.ts';

/** An image that was coded by itself, by what it says and before anything is decoded. */
export interface StillImage {
  readonly format: 'png' | 'jpeg';
  readonly width: number;
  readonly height: number;
  /** Nothing but what its pixels are made of. */
  readonly bytes: Uint8Array;
}

/** Header, colours of a palette, transparency, pixels, end. What else a PNG may hold unpacks to any size, and says nothing of its pixels as they are stored. */
const pixelChunks = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']);
const mostChannelBits = 8;
const endOfJpeg = Uint8Array.of(0xff, 0xd9);

/** A PNG of at most 8 bits a channel, or a JPEG, that is whole as far as its parts say it; otherwise a reason in words. Linear in its bytes. */
export function stillImage(file: Uint8Array): StillImage | string {
  try {
    if (isPng(file)) return pngImage(file);
    if (file[0] !== 0xff || file[1] !== 0xd8) return 'neither a PNG nor a JPEG image';
    const { width, height } = jpegSize(file);
    const isWhole = Buffer.from(file.buffer, file.byteOffset, file.byteLength).lastIndexOf(endOfJpeg) > 0;
    return isWhole ? { format: 'jpeg', width, height, bytes: file } : 'a JPEG image that is cut off';
  } catch (error) {
    if (error instanceof TypeError || error instanceof ClipError) return error.message;
    throw error;
  }
}

function pngImage(file: Uint8Array): StillImage | string {
  const kept: PngChunk[] = [];
  for (const chunk of pngChunks(file)) if (pixelChunks.has(chunk.name)) kept.push(chunk);
  const [header, ...others] = kept;
  if (header?.name !== 'IHDR' || header.body.length !== 13 || others.some(({ name }) => name === 'IHDR'))
    return 'a PNG image without a header, or with two';
  if (!others.some(({ name }) => name === 'IDAT')) return 'a PNG image without pixels';
  const view = new DataView(header.body.buffer, header.body.byteOffset, header.body.byteLength);
  if (view.getUint8(8) > mostChannelBits) return `a PNG image of more than ${mostChannelBits} bits a channel`;
  return { format: 'png', width: view.getUint32(0), height: view.getUint32(4), bytes: pngOf(kept) };
}
