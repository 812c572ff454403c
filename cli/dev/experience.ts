import { existsSync } from 'node:fs';
import path from 'node:path';

import { defaultPolicy } from '../../activities/workflow-inputs.ts';
import type { ObjectStore } from '../../activities/ports.ts';
import { scitosG5RecordingType, scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { importWallFollowing } from '../../datasets/importers/wall-following.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { DevOptions } from './options.ts';

/** Which policy the cycles train, and what it learns from: a recording, or without one the simulated fleet. */
export interface Source {
  readonly policy: string;
  readonly robotType: RobotType;
  readonly recording?: string;
}

export const sourceOf = ({ dataDirectory }: DevOptions): Source =>
  dataDirectory === undefined
    ? { policy: defaultPolicy, robotType: scitosG5Type }
    : {
        policy: `${defaultPolicy}-recording`,
        robotType: scitosG5RecordingType,
        recording: recordingIn(dataDirectory),
      };

/** What brings the cycles' experience. */
export interface Experience {
  /** Puts one cycle's experience into landing; says in a few words what it was. */
  bring(): Promise<string>;
  /** What can be said of these versions after a cycle, in one sentence. */
  compare?(versions: readonly string[]): Promise<string>;
}

/** DIR or DIR/wall-following, whichever holds the recording; said at once when neither does. */
function recordingIn(directory: string): string {
  const places = [directory, path.join(directory, 'wall-following')];
  const found = places.find((place) => existsSync(path.join(place, recordingFile)));
  if (found !== undefined) return found;
  throw new Error(`--data: expected ${recordingFile} in ${places.join(' or ')}, got none; it is UCI data set 194`);
}

const recordingFile = 'sensor_readings_24.data';

export const recordedExperience = (
  ports: { readonly store: ObjectStore; readonly scratchDirectory: string },
  recording: string,
  say: (line: string) => void,
): Experience => ({
  async bring() {
    const summary = await importWallFollowing({ ...ports, path: recording, progress: (line) => say(`  ${line}`) });
    return `${summary.episodes} recorded episodes of ${summary.robots} robots (${summary.frames} frames) in landing`;
  },
});
