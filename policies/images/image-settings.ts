import { z } from 'zod';

import type { SeenCamera } from '../seen-images.ts';
import { blockSchema } from './blocks.ts';
import type { CameraShape } from './camera-layers.ts';
import { imagesSchema } from './camera-network.ts';
import { defaultBlocks } from './default-blocks.ts';

/** How training rows are varied, each anew in every pass; nothing is varied where nothing is said. Shares are of 0 … 255 or of a side. */
export const augmentationSchema = z.strictObject({
  /** Probability that a row is mirrored, images, readings and label: only where the robot type says what is left and right. */
  flip: z.number().min(0).max(1).optional(),
  /** All pixels of an image become lighter or darker by up to this share. */
  brightness: z.number().min(0).max(0.5).optional(),
  /** An image is cut at its edges by up to this share of each side, and scaled back. */
  crop: z.number().min(0).max(0.5).optional(),
  /** Each value of each pixel is moved by up to this share. */
  noise: z.number().min(0).max(0.5).optional(),
});
export type Augmentation = z.infer<typeof augmentationSchema>;

/** How the embedded trainer sees the cameras of `training.cameras`: what is missing takes its defaults. */
export const imageSettingsSchema = z.strictObject({
  networks: z
    .array(
      z.strictObject({
        camera: z.string(),
        blocks: z.array(blockSchema).min(1).max(32).optional(),
        planes: z.enum(['flatten', 'average']).optional(),
        features: z.int().min(1).max(1024).optional(),
      }),
    )
    .max(8)
    .optional(),
  augmentation: augmentationSchema.optional(),
});
export type ImageSettings = z.infer<typeof imageSettingsSchema>;

/**
 * How a network sees the cameras that a training asks for, `history` images of each at once. Throws a RangeError, in words, for a camera that the robot type does not
 * have, one asked for twice, settings of one that is not asked for, and blocks that do not fit its images.
 */
export function planCameras(
  asked: readonly string[],
  known: readonly SeenCamera[],
  { networks = [] }: ImageSettings = {},
  history?: number,
): readonly CameraShape[] {
  const stray = networks.find(({ camera }) => !asked.includes(camera));
  if (stray !== undefined)
    throw new RangeError(
      `expected image settings of cameras that the training asks for (${asked.join(', ') || 'none'}), got ${stray.camera}`,
    );
  if (asked.length === 0) return [];
  const shapes = asked.map((name) => {
    const camera = known.find((each) => each.name === name);
    if (camera === undefined)
      throw new RangeError(
        `expected cameras of the robot type (${known.map((each) => each.name).join(', ') || 'it has none'}), got ${name}`,
      );
    const { blocks = defaultBlocks(camera), ...own } = networks.find(({ camera: of }) => of === name) ?? {};
    const seen = { camera: name, height: camera.height, width: camera.width, blocks };
    return { ...own, ...seen, ...(history === undefined ? {} : { history }) };
  });
  const parsed = imagesSchema.safeParse(shapes);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new RangeError(issue?.message ?? 'expected cameras that a network can see');
}
