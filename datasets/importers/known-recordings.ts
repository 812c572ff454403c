import { scitosG5RecordingType, ur3CobotopsType } from '../built-in-robot-types.ts';
import type { RobotType } from '../robot-type.ts';
import type { ImportInput, ImportSummary } from './import-summary.ts';
import { importUr3Cobotops } from './ur3-cobotops.ts';
import { importWallFollowing } from './wall-following.ts';

/** A public recording whose map comes with the project. */
export interface KnownRecording {
  readonly name: string;
  readonly doc: string;
  /** The robot type its episodes belong to; has to be known to the store before they are collected. */
  readonly robotType: RobotType;
  readonly run: (input: ImportInput) => Promise<ImportSummary>;
}

export const knownRecordings: readonly KnownRecording[] = [
  {
    name: 'wall-following',
    doc: 'UCI 194, sensor_readings_24.data: 24 ultrasound readings of a SCITOS G5 and their class',
    robotType: scitosG5RecordingType,
    run: importWallFollowing,
  },
  {
    name: 'ur3-cobotops',
    doc: 'UCI 963, dataset_02052023.csv: joints of a UR3, with lost grips and protective stops',
    robotType: ur3CobotopsType,
    run: importUr3Cobotops,
  },
];
