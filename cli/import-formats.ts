import type { ImportSummary } from '../datasets/importers/import-summary.ts';
import type { MappedInput } from './mapped-input.ts';

export interface MappedFormat {
  readonly name: string;
  readonly doc: string;
  readonly run: (input: MappedInput) => Promise<ImportSummary>;
}

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
    doc: 'folder of a LeRobot data set, version 2.1 or 3, by --map; cameras are counted, not imported',
    run: async (input) => (await import('./import-tables.ts')).importLeRobotFolder(input),
  },
];
