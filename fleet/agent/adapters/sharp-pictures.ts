import sharp from 'sharp';

import { mostPixelsOfSide, type UnscaledImage } from '../versions/robot-images.ts';

// One image at a time, nothing kept: the rest of the robot keeps its cores and memory.
sharp.cache(false);
sharp.concurrency(1);

/**
 * RGB of exactly width × height pixels, whatever the proportions, as training sets have it. Throws for what cannot be decoded, or has more
 * pixels than a camera may record. Meant for the process that runs the model: an image is a program for its decoder.
 * https://sharp.pixelplumbing.com/api-constructor
 */
export async function scaledRgb(image: UnscaledImage, width: number, height: number): Promise<Uint8Array> {
  const source =
    'encoded' in image
      ? sharp(image.encoded, { limitInputPixels: mostPixelsOfSide ** 2, failOn: 'error', sequentialRead: true })
      : sharp(image.rgb, { raw: { width: image.width, height: image.height, channels: 3 } });
  const { data, info } = await source
    .toColourspace('srgb')
    .removeAlpha()
    .resize(width, height, { fit: 'fill', fastShrinkOnLoad: false })
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels === 3 && data.length === width * height * 3) return new Uint8Array(data);
  throw new Error(`expected red, green and blue of ${width} × ${height} pixels, got ${info.channels} channels`);
}
