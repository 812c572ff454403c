/** A reproducible state of the lake: the Delta versions of its two tables. A frame without its episode at this version does not exist. */
export interface DatasetVersion {
  readonly episodes: number;
  readonly frames: number;
}

export const lakeTables = ['episodes', 'frames'] as const;
export type LakeTable = (typeof lakeTables)[number];

/** What is made of telemetry, beside what robots upload; see `fact-columns.ts`. */
export type FactTable = 'outcomes' | 'fleet_days';

/** Root of a table in the object store. */
export const lakeTableRoot = (table: LakeTable | FactTable): string => `lake/${table}`;
