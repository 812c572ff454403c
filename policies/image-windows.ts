import { z } from 'zod';

import type { ModelPort } from './runtime.ts';

/** Images of a camera that a policy sees at once, at most: each is decoded, held and carried to the model. */
const mostImages = 16;

/** How many images of each camera a policy sees at once, that of the present frame included; one that sees that alone does not say it. */
export const imageHistorySchema = z.int().min(2).max(mostImages);

/** Whether an axis of an image input can be that of a window. */
export const isImageHistory = (images: number | string | undefined): images is number =>
  typeof images === 'number' && images >= 2 && images <= mostImages;

/** Images that an input takes at once: [batch, images, height, width, 3]; 1 for [batch, height, width, 3] and for any other input. */
export const imagesOfPort = ({ shape }: Pick<ModelPort, 'shape'>): number =>
  shape.length === 5 && isImageHistory(shape[1]) ? shape[1] : 1;

/** The most images of a camera that a model sees at once; 1 for the present ones alone, and for a model that sees none. */
export const imageHistoryOf = ({ inputs }: { readonly inputs: readonly ModelPort[] }): number =>
  Math.max(1, ...inputs.map(imagesOfPort));

/**
 * The last `wanted` images of each row, oldest first, the present last, of images [rows, any number, `size` bytes]; where there are fewer, the earliest stands for those
 * before it. The same on robots, in training and in the gates.
 */
export function imageWindows(images: Uint8Array, rows: number, size: number, wanted: number): Uint8Array {
  const has = rows === 0 ? wanted : images.length / rows / size;
  if (has === wanted) return images;
  const windows = new Uint8Array(rows * wanted * size);
  for (let row = 0; row < rows; row += 1)
    for (let place = 0; place < wanted; place += 1) {
      const from = (row * has + Math.max(0, has - wanted + place)) * size;
      windows.set(images.subarray(from, from + size), (row * wanted + place) * size);
    }
  return windows;
}

/**
 * The images of one camera, frame by frame, of which windows of at most `most` are made. Sets and robots keep them by the same rule: a frame that does not follow the
 * last one begins anew, and so does the frame after one without an image.
 */
export class FollowingImages<Image> {
  readonly #most: number;
  #kept: readonly Image[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** The images that belong to a frame, before its own, oldest first. */
  before(follows: boolean): readonly Image[] {
    return follows ? this.#kept : [];
  }

  /** The window that ends with a frame, oldest first; empty where the frame has no image. */
  next(image: Image | undefined, follows: boolean): readonly Image[] {
    const window = image === undefined ? [] : [...this.before(follows), image];
    this.#kept = window.slice(Math.max(0, window.length + 1 - this.#most));
    return window;
  }
}
