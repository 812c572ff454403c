import { ClipError } from './clip-format.ts';
import { jpegSegments } from './jpeg-segments.ts';

/**
 * Pixels and colour channels that a JPEG image says it has, from its frame header and without decoding anything. Throws ClipError for what is
 * no JPEG, has no header within its bytes, or is neither grey nor of three channels.
 */
export function jpegSize(image: Uint8Array): { readonly width: number; readonly height: number } {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  if (image.length < 4 || view.getUint16(0) !== 0xffd8)
    throw new ClipError('undecodable', 'expected a JPEG image (FF D8 first), got another');
  for (const { marker, start } of jpegSegments(image)) {
    if (!isFrameHeader(marker) || start + 9 >= image.length) continue;
    const channels = view.getUint8(start + 9);
    if (channels !== 1 && channels !== 3)
      throw new ClipError('undecodable', `expected a JPEG image of 1 or 3 channels, got ${channels}`);
    return { height: view.getUint16(start + 5), width: view.getUint16(start + 7) };
  }
  throw new ClipError('undecodable', 'expected a JPEG image with a frame header, got none');
}

/** SOF0 to SOF15 but the tables (DHT, JPG, DAC) among these numbers. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}
