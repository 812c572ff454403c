import { crc32, deflateSync } from 'node:zlib';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Every value as its difference from the same channel of the pixel to the left: filter type 1 of PNG. */
const subFilter = 1;
const channels = 3;

/**
 * An RGB image, [height, width, 3] of 0–255, as a PNG file (W3C "Portable Network Graphics", third edition) of 8 bits a channel.
 * The same image gives the same bytes with the same zlib.
 */
export function encodePng(image: Uint8Array, width: number, height: number): Uint8Array {
  if (image.length !== width * height * channels)
    throw new RangeError(
      `expected ${width * height * channels} values of ${width} × ${height} RGB, got ${image.length}`,
    );
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  // Bits a channel, RGB; compression, filtering and interlacing are 0: the usual.
  header.setUint8(8, 8);
  header.setUint8(9, 2);
  const pixels = deflateSync(filtered(image, width, height), { level: 6 });
  return Buffer.concat([
    signature,
    chunk('IHDR', new Uint8Array(header.buffer)),
    chunk('IDAT', pixels),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

function filtered(image: Uint8Array, width: number, height: number): Uint8Array {
  const rowBytes = width * channels;
  const rows = new Uint8Array(height * (rowBytes + 1));
  for (let row = 0; row < height; row += 1) {
    const start = row * (rowBytes + 1);
    rows[start] = subFilter;
    for (let index = 0; index < rowBytes; index += 1) {
      const left = index < channels ? 0 : (image[row * rowBytes + index - channels] ?? 0);
      rows[start + 1 + index] = (image[row * rowBytes + index] ?? 0) - left;
    }
  }
  return rows;
}

/** Length, name, data, and the checksum of name and data. */
function chunk(name: string, data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(name, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}
