import { z } from 'zod';

import { cameraNameSchema, camerasOf, type Camera } from '../../datasets/camera.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { pastImageColumn } from '../../datasets/training-set.ts';
import { failure } from '../../store/failures.ts';

/** Names of cameras whose images a set has, in the order of its columns; none: numbers only. */
export const setCamerasSchema = z
  .array(cameraNameSchema)
  .max(8)
  .refine((names) => new Set(names).size === names.length, 'expected each name once');

/** The cameras of these names, in their order; `InvalidInput` for one that the robot type does not have, or that keeps its images on the robot. */
export function setCameras(robotType: RobotType, names: readonly string[] = []): readonly Camera[] {
  const known = new Map(camerasOf(robotType).map((camera) => [camera.name, camera]));
  return names.map((name) => {
    const camera = known.get(name);
    if (camera === undefined)
      throw failure(
        'InvalidInput',
        `expected a camera of ${robotTypeName(robotType)} (${[...known.keys()].join(', ') || 'it has none'}), got ${name}`,
      );
    if (!camera.mayLeaveRobot)
      throw failure(
        'InvalidInput',
        `expected a camera whose images may leave the robot, got ${name}: nothing of it was uploaded`,
      );
    return camera;
  });
}

/** Name of the column of a camera's images. */
export const imageColumn = (camera: string): string => `image.${camera}`;

/** Names of the columns of images, in the order of `placeColumns`: those of the row's own frame, then those of each frame before it. */
export const imageColumns = (cameras: readonly Camera[], images = 1): readonly string[] =>
  Array.from({ length: images }, (_, back) =>
    cameras.map(({ name }) => (back === 0 ? imageColumn(name) : pastImageColumn(name, back))),
  ).flat();
