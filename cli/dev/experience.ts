import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { defaultPolicy } from '../../activities/workflow-inputs.ts';
import type { ObjectStore } from '../../activities/ports.ts';
import { scitosG5RecordingType, scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { writeGeneratedWeek } from '../../datasets/generator.ts';
import { importWallFollowing } from '../../datasets/importers/wall-following.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { DevOptions } from './options.ts';

/** Where the cycles' experience comes from, and which policy learns from it. */
export interface Experience {
  readonly policy: string;
  readonly robotType: RobotType;
  /** Puts one cycle's experience into landing; says in a few words what it was. */
  readonly bring: (store: ObjectStore, cycle: number, say: (line: string) => void) => Promise<string>;
}

export function experienceOf(options: DevOptions): Experience {
  const scratchDirectory = path.join(options.stateDirectory, 'scratch');
  return options.dataDirectory === undefined
    ? generated(options.seed, scratchDirectory)
    : recorded(recordingIn(options.dataDirectory), scratchDirectory);
}

/** DIR or DIR/wall-following, whichever holds the recording; said at once when neither does. */
function recordingIn(directory: string): string {
  const places = [directory, path.join(directory, 'wall-following')];
  const found = places.find((place) => existsSync(path.join(place, recordingFile)));
  if (found !== undefined) return found;
  throw new Error(`--data: expected ${recordingFile} in ${places.join(' or ')}, got none; it is UCI data set 194`);
}

const recordingFile = 'sensor_readings_24.data';

const generated = (seed: number, scratchDirectory: string): Experience => ({
  policy: defaultPolicy,
  robotType: scitosG5Type,
  bring: async (store, cycle) => {
    await mkdir(scratchDirectory, { recursive: true });
    const week = await writeGeneratedWeek({ store, scratchDirectory }, { seed, week: cycle });
    return `${week.episodes} generated episodes (${week.frames} frames, ${week.segments} segments) in landing`;
  },
});

const recorded = (path: string, scratchDirectory: string): Experience => ({
  policy: `${defaultPolicy}-recording`,
  robotType: scitosG5RecordingType,
  bring: async (store, _cycle, say) => {
    await mkdir(scratchDirectory, { recursive: true });
    const summary = await importWallFollowing({
      path,
      store,
      scratchDirectory,
      progress: (line) => say(`  ${line}`),
    });
    return `${summary.episodes} recorded episodes of ${summary.robots} robots (${summary.frames} frames) in landing`;
  },
});
