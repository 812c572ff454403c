import type { ImportSummary } from '../datasets/importers/import-summary.ts';
import type { MappedInput, TypedInput } from './mapped-input.ts';

interface Format<Input> {
  readonly name: string;
  readonly doc: string;
  readonly run: (input: Input) => Promise<ImportSummary>;
}
export type MappedFormat = Format<MappedInput>;
export type MaplessFormat = Format<TypedInput>;

/** Every format that is read by a map; readers are loaded when they are used. */
export const importFormats: readonly MappedFormat[] = [
  {
    name: 'csv',
    doc: 'text tables with one row per frame, by --map',
    run: async (input) => (await import('./import-tables.ts')).importCsv(input),
  },
  {
    name: 'parquet',
    doc: 'Parquet files with one row per frame, by --map',
    run: async (input) => (await import('./import-tables.ts')).importParquet(input),
  },
  {
    name: 'lerobot',
    doc: 'folder of a LeRobot data set, version 2.1 or 3, by --map; videos and images become clips, through ffmpeg',
    run: async (input) => (await import('./import-tables.ts')).importLeRobotFolder(input),
  },
  {
    name: 'mcap',
    doc: 'MCAP files (JSON, Protobuf, ROS 2) or the folder of a rosbag2 recording, by --map',
    run: async (input) => (await import('./import-mcap.ts')).importMcapFiles(input),
  },
];

/** Every format that says itself what its columns are. */
export const maplessFormats: readonly MaplessFormat[] = [
  {
    name: 'rooms',
    doc: 'folder of flywheel simulate export: LIDAR, images and labels, without --map',
    run: async (input) => (await import('./import-rooms.ts')).importRoomsFolder(input),
  },
];
