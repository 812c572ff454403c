import sharp from 'sharp';

import type { ToJpeg } from '../images/jpeg-clip.ts';

/** Above it, files grow faster than pictures get better. */
const quality = 92;

/** PNG or raw pixels of the camera's size as JPEG; what sharp cannot decode to just that size throws. https://sharp.pixelplumbing.com */
export const sharpToJpeg: ToJpeg = async ({ width, height, colour }, { format, bytes }) => {
  const limits = { limitInputPixels: width * height, failOn: 'error', sequentialRead: true } as const;
  const raw = { width, height, channels: colour === 'rgb' ? 3 : 1 } as const;
  const { data, info } = await sharp(bytes, format === 'raw' ? { raw } : limits)
    .flatten()
    .jpeg({ quality })
    .toBuffer({ resolveWithObject: true });
  if (info.width === width && info.height === height) return data;
  throw new Error(`expected an image of ${width} × ${height} pixels, got ${info.width} × ${info.height}`);
};
