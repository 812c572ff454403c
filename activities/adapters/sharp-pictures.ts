import sharp, { type Sharp } from 'sharp';

import type { PictureCodec } from '../../policies/picture-codec.ts';

// Nothing is kept between images, and one takes one thread: several are decoded at once where several are asked for.
sharp.cache(false);
sharp.concurrency(1);

const mostPixels = 4096 ** 2;

/**
 * PictureCodec by sharp (libvips), for images that were made here: those of training and held-out sets, and test pictures. What comes from outside
 * is decoded in a process of its own before it gets into a set.
 * https://sharp.pixelplumbing.com/api-constructor
 */
export const sharpPictures: PictureCodec = {
  scaled: (encoded, width, height) =>
    rgbOf(opened(encoded).resize(width, height, { fit: 'fill', fastShrinkOnLoad: false }), width, height),
  exact: (encoded, width, height) => rgbOf(opened(encoded), width, height),
  async encoded(rgb, width, height) {
    return new Uint8Array(
      await sharp(rgb, { raw: { width, height, channels: 3 } })
        .jpeg({ quality: 90 })
        .toBuffer(),
    );
  },
};

const opened = (encoded: Uint8Array): Sharp =>
  sharp(encoded, { limitInputPixels: mostPixels, failOn: 'error', sequentialRead: true });

async function rgbOf(image: Sharp, width: number, height: number): Promise<Uint8Array> {
  const { data, info } = await image.toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true });
  if (info.width === width && info.height === height && info.channels === 3) return data;
  throw new Error(
    `expected an RGB image of ${width} × ${height} pixels, got ${info.width} × ${info.height} with ${info.channels} channels`,
  );
}
