import type { Camera } from '../../../datasets/camera.ts';

/** How an image came: `raw` is one byte a channel and pixel, row after row, RGB or grey as the camera is. */
export const imageFormats = ['jpeg', 'png', 'raw'] as const;
export type ImageFormat = (typeof imageFormats)[number];

type Shape = Pick<Camera, 'name' | 'width' | 'height' | 'colour'>;

export const rawBytes = ({ width, height, colour }: Pick<Shape, 'width' | 'height' | 'colour'>): number =>
  width * height * (colour === 'rgb' ? 3 : 1);

/**
 * What an image is, by its first bytes or its size, without decoding it: a JPEG or PNG that says it has the camera's size, or so many bytes as raw
 * pixels of it take. Throws a TypeError for anything else. Costs some microseconds, whatever the size.
 */
export function imageFormatOf(camera: Shape, bytes: Uint8Array): ImageFormat {
  if (!(bytes instanceof Uint8Array))
    throw new TypeError(`expected an image of camera ${camera.name} as bytes (Uint8Array), got ${typeof bytes}`);
  const isRaw = bytes.length === rawBytes(camera);
  const encoded = jpegSize(bytes) ?? pngSize(bytes);
  if (encoded?.width === camera.width && encoded.height === camera.height) return encoded.format;
  // Raw pixels may begin like anything.
  if (isRaw) return 'raw';
  const got =
    encoded === undefined ? `${bytes.length} bytes` : `${encoded.format} of ${encoded.width} × ${encoded.height}`;
  throw new TypeError(
    `expected an image of camera ${camera.name}: JPEG or PNG of ${camera.width} × ${camera.height} pixels, or ${rawBytes(camera)} bytes of raw ${camera.colour}; got ${got}`,
  );
}

interface Encoded {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
}

/** Marker segments before the frame header at most; a camera writes fewer than ten. */
const mostSegments = 64;

/** Size from the frame header (SOF); undefined for what is no JPEG, or one of a kind that cameras do not write (12 bits, lossless, arithmetic). */
function jpegSize(bytes: Uint8Array): Encoded | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 2;
  for (let segment = 0; segment < mostSegments && at + 4 <= bytes.length; segment += 1) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    const isFill = marker === 0xff;
    if (isFill) {
      at += 1;
      continue;
    }
    const length = view.getUint16(at + 2);
    if (length < 2) return undefined;
    if (marker >= 0xc0 && marker <= 0xc2) return frameSize(view, at);
    at += 2 + length;
  }
  return undefined;
}

function frameSize(view: DataView, at: number): Encoded | undefined {
  if (at + 10 > view.byteLength || view.getUint8(at + 4) !== 8) return undefined;
  const components = view.getUint8(at + 9);
  if (components !== 1 && components !== 3) return undefined;
  return { format: 'jpeg', width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
}

const pngHead = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52];

function pngSize(bytes: Uint8Array): Encoded | undefined {
  if (bytes.length < 33 || !pngHead.every((byte, index) => bytes[index] === byte)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { format: 'png', width: view.getUint32(16), height: view.getUint32(20) };
}
