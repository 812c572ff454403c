import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import type { Lake } from './lake.ts';

/** The newest state of the lake; makes the empty tables at first. Idempotent: it only reads afterwards. */
export const readDatasetVersion =
  (ports: { lake: Lake }) =>
  (_input: { cycleId: string }): Promise<DatasetVersion> =>
    ports.lake.currentVersion();
