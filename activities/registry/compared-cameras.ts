import { camerasOf } from '../../datasets/camera.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { Aliases } from '../../domain/registry/index.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readRobotType } from '../../store/records/robot-types.ts';
import { readHistory, readSeenCameras } from '../../store/records/seen-cameras.ts';

/** Frames that the versions read at most with which a candidate is compared. */
export const comparedHistory = async (
  store: ObjectStore,
  policy: string,
  { champion, anchor }: Aliases,
): Promise<number> => Math.max(await readHistory(store, policy, champion), await readHistory(store, policy, anchor));

/**
 * Cameras of the robot type that the versions see with which a candidate is compared, in its order. One whose images stay on the robot
 * has no images in any set and is left out: a version that sees it cannot be compared, and its gate says so.
 */
export async function comparedCameras(
  store: ObjectStore,
  policy: string,
  { id, version }: Pick<RobotType, 'id' | 'version'>,
  { champion, anchor }: Aliases,
): Promise<readonly string[]> {
  const seen = new Set([
    ...(await readSeenCameras(store, policy, champion)),
    ...(await readSeenCameras(store, policy, anchor)),
  ]);
  if (seen.size === 0) return [];
  return camerasOf(await readRobotType(store, id, version))
    .filter(({ name, mayLeaveRobot }) => mayLeaveRobot && seen.has(name))
    .map(({ name }) => name);
}
