import { inflateSync } from 'node:zlib';

import { pngChunks } from '../../media/png-chunks.ts';

const channels = 3;

/**
 * RGB, [height, width, 3], of a PNG of 8 bits a channel that is not interlaced and has exactly this size: what the simulator writes, and no more,
 * so that nothing from outside reaches a decoder. Throws a TypeError, in words, for anything else; memory is that of the image.
 */
export function readPng(file: Uint8Array, width: number, height: number): Uint8Array {
  const data: Uint8Array[] = [];
  let header: Uint8Array | undefined;
  for (const { name, body } of pngChunks(file)) {
    if (name === 'IHDR') header ??= body;
    if (name === 'IDAT') data.push(body);
  }
  requireHeader(header, width, height);
  const rowBytes = width * channels;
  const size = height * (rowBytes + 1);
  const filtered = inflated(Buffer.concat(data), size);
  const image = new Uint8Array(height * rowBytes);
  for (let row = 0; row < height; row += 1) unfilterRow(filtered, image, row, rowBytes);
  return image;
}

function requireHeader(header: Uint8Array | undefined, width: number, height: number): void {
  if (header?.length !== 13) throw new TypeError('expected a PNG file with a header, got none');
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const [w, h] = [view.getUint32(0), view.getUint32(4)];
  if (w !== width || h !== height) throw new TypeError(`expected ${width} × ${height} pixels, got ${w} × ${h}`);
  // Bits a channel, RGB, and the only compression, filtering and order of lines.
  if ([8, 2, 0, 0, 0].some((value, index) => header[8 + index] !== value))
    throw new TypeError('expected RGB of 8 bits a channel, not interlaced, got another kind of PNG');
}

function inflated(data: Uint8Array, size: number): Uint8Array {
  let pixels: Uint8Array;
  try {
    pixels = inflateSync(data, { maxOutputLength: size });
  } catch (cause) {
    throw new TypeError(`expected ${size} bytes of pixels, got data that cannot be unpacked to them`, { cause });
  }
  if (pixels.length !== size) throw new TypeError(`expected ${size} bytes of pixels, got ${pixels.length}`);
  return pixels;
}

/** Adds to each value what its filter predicted from the pixels left, above and above left (W3C "Portable Network Graphics", third edition, 9). */
function unfilterRow(filtered: Uint8Array, image: Uint8Array, row: number, rowBytes: number): void {
  const from = row * (rowBytes + 1);
  const filter = filtered[from] ?? 0;
  if (filter > 4) throw new TypeError(`expected a filter from 0 to 4, got ${filter}`);
  const start = row * rowBytes;
  for (let index = 0; index < rowBytes; index += 1) {
    const left = index < channels ? 0 : (image[start + index - channels] ?? 0);
    const above = row === 0 ? 0 : (image[start - rowBytes + index] ?? 0);
    const corner = row === 0 || index < channels ? 0 : (image[start - rowBytes + index - channels] ?? 0);
    image[start + index] = (filtered[from + 1 + index] ?? 0) + predicted(filter, left, above, corner);
  }
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return Math.floor((left + above) / 2);
  const guess = left + above - corner;
  const toLeft = Math.abs(guess - left);
  const toAbove = Math.abs(guess - above);
  const toCorner = Math.abs(guess - corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
