import { windowPlaces } from '../onnx/convolution.ts';
import type { PlaneSizes } from '../onnx/planes.ts';
import type { Block } from './blocks.ts';

/** What fixes a camera's part of a network. */
export interface CameraShape {
  readonly camera: string;
  readonly height: number;
  readonly width: number;
  readonly blocks: readonly Block[];
  readonly planes: 'flatten' | 'average';
  readonly features: number;
  /** Images that it sees at once, oldest first, as channels of one; absent for the present one alone. */
  readonly history?: number | undefined;
}

/** Channels of what a camera's part of a network sees: three of each image. */
export const seenChannels = ({ history = 1 }: Pick<CameraShape, 'history'>): number => 3 * history;

/** Sizes of what it is fed with, without those of the batch: [height, width, 3], with history [images, height, width, 3]. */
export const seenSizes = ({ height, width, history }: CameraShape): readonly number[] => [
  ...(history === undefined ? [] : [history]),
  height,
  width,
  3,
];

/** Input of a model that sees this camera: uint8 [batch, height, width, 3]; red, green, blue of each pixel, row by row. */
export const imagePort = (camera: string): string => `image.${camera}`;

interface Sizes {
  readonly before: PlaneSizes;
  readonly after: PlaneSizes;
  readonly stride: number;
  readonly padding: number;
}
export interface ConvolutionLayer extends Sizes {
  readonly kind: 'convolution';
  readonly kernelSize: number;
  readonly groups: number;
  /** Groups of the normalisation that follows. */
  readonly normalisedGroups: number;
}
export interface PoolingLayer extends Sizes {
  readonly kind: 'maxPooling' | 'averagePooling';
  readonly size: number;
}
export type CameraLayer = ConvolutionLayer | PoolingLayer;

/** Parameters of a camera's part at most: beyond, a training in this process would take days. */
const maxParameters = 20_000_000;
const channelsInGroup = 4;

/** The blocks with the sizes of the planes before and after each. Throws where a block does not fit. */
export function cameraLayers(shape: CameraShape): readonly CameraLayer[] {
  const { height, width, blocks, camera } = shape;
  let before: PlaneSizes = { channels: seenChannels(shape), height, width };
  return blocks.map((block, position) => {
    const where = `block ${position} (${block.kind}) of camera ${camera}`;
    const layer = layerOf(block, before, where);
    before = layer.after;
    return layer;
  });
}

function layerOf(block: Block, before: PlaneSizes, where: string): CameraLayer {
  switch (block.kind) {
    case 'convolution':
    case 'depthwise': {
      const { kernelSize, stride, padding = Math.floor(kernelSize / 2) } = block;
      const channels = block.kind === 'depthwise' ? before.channels : block.channels;
      const groups = block.kind === 'depthwise' ? before.channels : block.groups;
      if (before.channels % groups !== 0 || channels % groups !== 0)
        throw new Error(
          `expected ${where} to have groups that divide its channels, got ${groups} groups, ${before.channels} channels before and ${channels} after`,
        );
      const after = seenThrough(before, channels, kernelSize, { stride, padding }, where);
      const normalisedGroups = groupsOf(channels);
      if ((channels / normalisedGroups) * after.height * after.width < 2)
        throw new Error(`expected ${where} to give several numbers to normalise, got one`);
      return { kind: 'convolution', before, after, kernelSize, stride, padding, groups, normalisedGroups };
    }
    case 'maxPooling':
    case 'averagePooling': {
      const { kind, size, padding, stride = size } = block;
      if (padding >= size)
        throw new Error(`expected ${where} to have a padding below its size ${size}, got ${padding}`);
      const after = seenThrough(before, before.channels, size, { stride, padding }, where);
      return { kind, before, after, size, stride, padding };
    }
  }
}

function seenThrough(
  { height, width }: PlaneSizes,
  channels: number,
  kernel: number,
  window: { readonly stride: number; readonly padding: number },
  where: string,
): PlaneSizes {
  const after = {
    channels,
    height: windowPlaces(height, kernel, window),
    width: windowPlaces(width, kernel, window),
  };
  if (after.height >= 1 && after.width >= 1) return after;
  throw new Error(
    `expected ${where} to see at least ${kernel} × ${kernel} pixels, got ${height} × ${width} with a padding of ${window.padding}`,
  );
}

/** The most of 8, 4 and 2 groups that have at least four channels each, else one: fewer would normalise away what a channel says. */
const groupsOf = (channels: number): number =>
  [8, 4, 2].find((groups) => channels % groups === 0 && channels / groups >= channelsInGroup) ?? 1;

/** Numbers that the last planes become. */
export function planeNumbers(shape: CameraShape): number {
  const last = cameraLayers(shape).at(-1)?.after ?? {
    channels: seenChannels(shape),
    height: shape.height,
    width: shape.width,
  };
  return shape.planes === 'average' ? last.channels : last.channels * last.height * last.width;
}

/** Numbers of the largest planes on the way, those of the picture included: what a row takes of memory while it is looked at. */
export const mostPlaneNumbers = (shape: CameraShape): number =>
  Math.max(
    seenChannels(shape) * shape.height * shape.width,
    ...cameraLayers(shape).map(({ after: { channels, height, width } }) => channels * height * width),
  );

/** Undefined when the blocks fit; otherwise why not, as a sentence. */
export function cameraProblem(shape: CameraShape): string | undefined {
  try {
    const { parameters } = cameraCost(shape);
    return parameters <= maxParameters
      ? undefined
      : `expected camera ${shape.camera} to take at most ${maxParameters} parameters, got ${parameters}`;
  } catch (error) {
    return (error as Error).message;
  }
}

export interface NetworkCost {
  readonly parameters: number;
  /** Multiplications with addition of one answer, those of convolutions and dense layers; a training step takes about three times as many a row. */
  readonly multiplyAccumulates: number;
}

/** What a camera's part of a network costs, the dense layer to its features included. */
export function cameraCost(shape: CameraShape): NetworkCost {
  const dense = planeNumbers(shape) * shape.features;
  let [parameters, multiplyAccumulates] = [dense + shape.features, dense];
  for (const layer of cameraLayers(shape)) {
    if (layer.kind !== 'convolution') continue;
    const { before, after, kernelSize, groups } = layer;
    const filters = after.channels * (before.channels / groups) * kernelSize ** 2;
    parameters += filters + 2 * after.channels;
    multiplyAccumulates += filters * after.height * after.width;
  }
  return { parameters, multiplyAccumulates };
}
