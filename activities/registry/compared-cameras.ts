import { camerasOf } from '../../datasets/camera.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { Aliases } from '../../domain/registry/index.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readRobotType } from '../../store/records/robot-types.ts';
import type { CheckModelResult } from '../evaluation/check-model.ts';
import { imageWindowsOf, type ImageAsking } from '../mix/image-windows.ts';
import { readSeenCameras, readWindow } from '../../store/records/seen-cameras.ts';

/** What held-out rows need of the frames around them. */
export interface HeldoutWindow {
  /** Frames of a row, the present included; not there for the present alone. */
  readonly history?: number;
  /** Rows say where they lie in their run. */
  readonly runs?: true;
  /** Policies that see images of frames before a row's own; not there where none does. */
  readonly imageWindows?: readonly ImageAsking[];
}

/** What the rows need on which a model is judged, with versions that it is compared with: as many frames as any reads when its chunk is executed. */
export async function heldoutWindow(
  store: ObjectStore,
  policy: string,
  { champion, anchor }: Aliases,
  own: Pick<CheckModelResult, 'history' | 'horizon' | 'cameras' | 'imageHistory'> = {},
): Promise<HeldoutWindow> {
  const { cameras = [], imageHistory = 1, ...ownWindow } = own;
  const read = [
    await readWindow(store, policy, champion),
    await readWindow(store, policy, anchor),
    { ...ownWindow, images: cameras.length === 0 ? 0 : imageHistory },
  ];
  const frames = Math.max(...read.map(({ history = 1, horizon = 1 }) => history + horizon - 1));
  const hasChunks = read.some(({ horizon = 1 }) => horizon > 1);
  const imageWindows = imageWindowsOf(read.map(({ horizon = 1, images }) => ({ steps: horizon, images })));
  return {
    ...(frames === 1 ? {} : { history: frames }),
    ...(hasChunks ? { runs: true } : {}),
    ...(imageWindows.length === 0 ? {} : { imageWindows }),
  };
}

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
