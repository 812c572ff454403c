import { cameraNetworkSchema, type CameraNetwork } from '../../../policies/images/camera-network.ts';
import type { NetworkShape } from '../../../policies/network.ts';
import { initialParameters } from '../../../policies/network.ts';
import { randomStream } from '../../../policies/random.ts';
import type { PolicyParts } from '../../../policies/export-policy.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { testRobotType } from '../../activities/training/arrow-sets.ts';

/** A camera of 14 × 10 pixels through one block of each kind. */
export const tinyCamera = (camera = 'front', changes: Partial<CameraNetwork> = {}): CameraNetwork =>
  cameraNetworkSchema.parse({
    camera,
    height: 10,
    width: 14,
    features: 5,
    blocks: [
      { kind: 'convolution', channels: 8, stride: 2, kernelSize: 3 },
      { kind: 'depthwise' },
      { kind: 'averagePooling', size: 2, stride: 1, padding: 1 },
      { kind: 'convolution', channels: 4, groups: 2, kernelSize: 1 },
      { kind: 'maxPooling', size: 3, stride: 2, padding: 1 },
    ],
    ...changes,
  });

/** Readings a, b, c, two tasks and three actions, as the robot type of the tests has them. */
export const seeingShape = (images: readonly CameraNetwork[]): NetworkShape => ({
  hiddenWidths: [6],
  taskEmbeddingSize: 2,
  observationSize: 3,
  taskCount: 2,
  head: 'discrete',
  actionSize: 3,
  images,
});

/** Parameters of which none is zero, so that each has a say. */
export function seeingParts(images: readonly CameraNetwork[], seed = 1): PolicyParts {
  const shape = seeingShape(images);
  const random = randomStream(seed, 'seeing parts');
  return {
    shape,
    parameters: initialParameters(shape, random).map((value) => value + 0.4 * (random() - 0.5)),
    observation: {
      mean: Float32Array.from({ length: 3 }, () => 2 * random() - 1),
      scale: Float32Array.from({ length: 3 }, () => 0.5 + random()),
    },
  };
}

export const randomPictures = (rows: number, { height, width }: CameraNetwork, seed: number): Uint8Array => {
  const random = randomStream(seed, 'pictures');
  return Uint8Array.from({ length: rows * height * width * 3 }, () => Math.floor(256 * random()));
};

/** The robot type of the tests with cameras of the sizes that `tinyCamera` sees. */
export const seeingType = (
  cameras: readonly Pick<CameraNetwork, 'camera' | 'height' | 'width'>[] = [tinyCamera('front')],
): RobotType =>
  testRobotType({
    cameras: cameras.map(({ camera, height, width }) => ({
      name: camera,
      width: 4 * width,
      height: 4 * height,
      rateHz: 10,
      colour: 'rgb',
      codec: 'jpeg',
      learned: { width, height },
      mayLeaveRobot: true,
    })),
  });
