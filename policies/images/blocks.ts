import { z } from 'zod';

const kernelSize = z.int().min(1).max(11).default(3);
const stride = z.int().min(1).max(8).default(1);
/** Pixels of zeros on each side; without it half the kernel, so that stride 1 keeps the size of an odd kernel's planes. */
const padding = z.int().min(0).max(5).exactOptional();
const poolingShape = {
  /** Height and width of the window. */
  size: z.int().min(1).max(16).default(2),
  /** Without it the size: windows side by side. */
  stride: z.int().min(1).max(16).exactOptional(),
  padding: z.int().min(0).max(8).default(0),
};

/** One step of a network that sees: convolutions are followed by group normalisation and max(x, 0). */
export const blockSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('convolution'),
    channels: z.int().min(1).max(512),
    kernelSize,
    stride,
    padding,
    /** Parts of the channels that do not see each other. */
    groups: z.int().min(1).max(512).default(1),
  }),
  /** Each channel by itself: cheap, and followed by a convolution of kernel 1 that mixes channels. */
  z.strictObject({ kind: z.literal('depthwise'), kernelSize, stride, padding }),
  z.strictObject({ kind: z.literal('maxPooling'), ...poolingShape }),
  z.strictObject({ kind: z.literal('averagePooling'), ...poolingShape }),
]);
export type Block = z.infer<typeof blockSchema>;
