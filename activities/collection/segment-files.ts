import { join } from 'node:path';

import { sqlText } from '../../datasets/sql-types.ts';
import type { PlannedSegment } from './documents.ts';

/** A segment whose file is here; `segment` is its position in the batch. */
export interface LocalSegment {
  readonly segment: number;
  readonly path: string;
  readonly robotId: string;
  readonly planned: PlannedSegment;
}

/** The segment with its rows in a file of ours in `directory`. */
export const copyOf = (segment: LocalSegment, directory: string): LocalSegment => ({
  ...segment,
  path: join(directory, `${segment.segment}.parquet`),
});

/** Segments that lack the same columns: one statement reads them, without opening every file for its schema first. */
export interface SegmentGroup {
  readonly segments: readonly LocalSegment[];
  /** Nullable columns that these segments do not have. */
  readonly absent: ReadonlySet<string>;
}

export function groupSegments(segments: readonly LocalSegment[]): readonly SegmentGroup[] {
  const groups = new Map<string, LocalSegment[]>();
  for (const segment of segments) {
    const name = segment.planned.facts.absentColumns.join();
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [segment]);
    else group.push(segment);
  }
  return [...groups.values()].map((group) => ({
    segments: group,
    absent: new Set(group[0]?.planned.facts.absentColumns),
  }));
}

/** Rows of the files, with `file_index` (from 0, in the order of the group) and `file_row_number` (from 0). */
export const filesSql = (segments: readonly LocalSegment[]): string =>
  `read_parquet([${segments.map(({ path }) => sqlText(path)).join(', ')}], file_row_number = true, hive_partitioning = false)`;

export const skewUs = ({ planned }: LocalSegment): number => Math.round((planned.facts.footer.clockSkewMs ?? 0) * 1000);

/** `file_index` of every file with its segment and clock skew, as rows of `(file_index, segment, skew_us)`. */
export const fileListSql = (segments: readonly LocalSegment[]): string =>
  `(VALUES ${segments.map((segment, index) => `(${index}, ${segment.segment}, ${skewUs(segment)}::BIGINT)`).join(', ')}) ` +
  'AS listed(file_index, segment, skew_us)';
