import { camerasOf, type Camera } from '../../camera.ts';
import { robotTypeName, type RobotType } from '../../robot-type.ts';
import type { ImportMap } from '../import-map.ts';
import { ImportError, quoted } from '../import-summary.ts';
import type { Tally } from '../tally.ts';
import type { LeRobotFeature, LeRobotInfo } from './info.ts';

/** A camera of the robot type, and the feature whose videos or images are its clips. */
export interface MappedCamera {
  readonly camera: Camera;
  readonly feature: LeRobotFeature;
  readonly isRequired: boolean;
}

/**
 * The cameras that a map names; videos and images that it does not name are counted. `ImportError` for cameras that the robot type or the data set
 * does not have, and for those whose images may not leave the robot.
 */
export function mappedCameras(
  map: ImportMap,
  type: RobotType,
  info: LeRobotInfo,
  tally: Tally,
): readonly MappedCamera[] {
  const cameras = (map.lerobot?.cameras ?? []).map(({ name, column, required }, index, all) => {
    const camera = camerasOf(type).find((each) => each.name === name);
    if (camera === undefined || all.findIndex((each) => each.name === name) < index)
      throw expected(`cameras of ${robotTypeName(type)}, each once`, name);
    if (!camera.mayLeaveRobot) throw expected('a camera whose images may leave the robot', name);
    const feature = info.features.find(({ key, kind }) => key === column && (kind === 'video' || kind === 'image'));
    if (feature === undefined) throw expected('a feature of meta/info.json with videos or images', column);
    return { camera, feature, isRequired: required };
  });
  const taken = new Set(cameras.map(({ feature }) => feature.key));
  for (const { key, kind } of info.features) {
    if (kind === 'video' && !taken.has(key)) tally.leftOut('video', 'not in the map', key, Math.max(1, info.episodes));
    if (kind === 'image' && !taken.has(key)) tally.leftOut('image', 'not in the map', key, Math.max(1, info.frames));
  }
  return cameras;
}

const expected = (what: string, got: string): ImportError =>
  new ImportError(`map, lerobot.cameras: expected ${what}, got ${quoted(got)}`);
