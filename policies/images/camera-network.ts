import { z } from 'zod';

import { imageHistorySchema } from '../image-windows.ts';
import { cameraProblem } from './camera-layers.ts';
import { blockSchema } from './blocks.ts';
import { defaultBlocks } from './default-blocks.ts';

/**
 * How a network sees one camera: blocks from the picture on, then a dense layer to `features` numbers, which join the readings
 * in the first layer of the network. Refused when a block does not fit the planes before it, or when all is too large.
 */
export const cameraNetworkSchema = z
  .strictObject({
    camera: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and dashes'),
    /** Pixels of the pictures that the network sees. */
    height: z.int().min(8).max(512),
    width: z.int().min(8).max(512),
    blocks: z
      .array(blockSchema)
      .min(1)
      .max(32)
      .default(() => defaultBlocks({ height: 48, width: 64 })),
    /** What the last planes become: `flatten` keeps where something is seen, `average` forgets it and costs fewer parameters. */
    planes: z.enum(['flatten', 'average']).default('flatten'),
    /** Numbers that stand for the picture. */
    features: z.int().min(1).max(1024).default(32),
    /** Images that it sees at once; default: the present one alone. */
    history: imageHistorySchema.optional(),
  })
  .superRefine((network, context) => {
    const problem = cameraProblem(network);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['blocks'], message: problem });
  });
export type CameraNetwork = z.infer<typeof cameraNetworkSchema>;

/** The cameras of a network, in the order of its rows' pictures; each once. */
export const imagesSchema = z
  .array(cameraNetworkSchema)
  .min(1)
  .max(8)
  .refine((networks) => new Set(networks.map(({ camera }) => camera)).size === networks.length, {
    error: 'expected each camera once',
  });
