import type { Block } from './blocks.ts';

/** Numbers that a picture of 64 × 48 becomes: few, large steps first, because most of the work lies in the first layers. */
const firstBlocks: readonly Block[] = [
  { kind: 'convolution', channels: 16, kernelSize: 5, stride: 2, groups: 1 },
  { kind: 'convolution', channels: 32, kernelSize: 3, stride: 2, groups: 1 },
  { kind: 'depthwise', kernelSize: 3, stride: 2 },
  { kind: 'convolution', channels: 48, kernelSize: 1, stride: 1, groups: 1 },
];
const nextBlocks: readonly Block[] = [
  { kind: 'depthwise', kernelSize: 3, stride: 2 },
  { kind: 'convolution', channels: 48, kernelSize: 1, stride: 1, groups: 1 },
];
/** Pixels of the longer side that the first blocks and one pair of next ones see well; each pair more sees twice as many. */
const sideOfOnePair = 128;

/** Blocks for images of a size where nothing is asked for: the last planes stay below some 8 × 8, however large the image. */
export function defaultBlocks({ width, height }: { readonly width: number; readonly height: number }): Block[] {
  const pairs = 1 + Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / sideOfOnePair)));
  return [...firstBlocks, ...Array.from({ length: pairs }, () => nextBlocks).flat()];
}
