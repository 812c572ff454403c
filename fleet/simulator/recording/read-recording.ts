import { readWallFollowing } from '../../../datasets/importers/wall-following.ts';
import type { Recording } from './recording-robot.ts';

/** Reads the readings of the wall-following recording (UCI 194); `path` is its file or the folder that holds it. */
export const readRecording = async (path: string): Promise<Recording> =>
  (await readWallFollowing(path)).map(({ observation }) => observation);
