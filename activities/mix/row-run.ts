import type { NumberColumn } from '../../datasets/arrow-rows.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTableAs } from '../temp-table.ts';
import { longestGapUs } from './row-past.ts';
import { rowRunTable } from './window-tables.ts';

export interface RowRunInput {
  /** SQL of the rows of the set: `episode` (a whole number), `episode_id`, `frame_index`. */
  readonly rows: string;
  /** Relation of the frames that they lie among. */
  readonly frames: string;
  readonly robotType: Pick<RobotType, 'rateHz' | 'limits'>;
}

/** Column of a set that says where each row lies in its run. */
export const runColumns: readonly NumberColumn[] = [{ name: 'run_frame', kind: 'int32' }];

/** The same, in SQL. */
export const runNames = ['run_frame'];

/**
 * Makes the temporary table `row_run`: how many frames lie between each row and the beginning of its run, 0 for the first. A run begins with an episode, after a gap of
 * more than the robot type's `maxFrameGapPeriods`, after a frame that is missing, and after a correction: where a robot asks a policy that answers chunks anew.
 * Memory and spill follow the frames of the episodes.
 */
export async function makeRowRun(session: SqlSession, { rows, frames, robotType }: RowRunInput): Promise<void> {
  await session.run(
    createTableAs(
      rowRunTable,
      `WITH wanted AS (SELECT DISTINCT episode, episode_id, frame_index FROM (${rows})),
     begun AS (
       SELECT f.episode_id, f.frame_index, coalesce(
         lag(f.frame_index) OVER near <> f.frame_index - 1 OR lag(f.is_correction) OVER near
           OR epoch_us(f."timestamp") - lag(epoch_us(f."timestamp")) OVER near NOT BETWEEN 0 AND ${longestGapUs(robotType)}, true) AS is_first
       FROM ${frames} AS f WHERE f.episode_id IN (SELECT episode_id FROM wanted)
       WINDOW near AS (PARTITION BY f.episode_id ORDER BY f.frame_index)
     ), placed AS (
       SELECT episode_id, frame_index, max(CASE WHEN is_first THEN frame_index END) OVER (PARTITION BY episode_id ORDER BY frame_index) AS first_index
       FROM begun
     )
     SELECT w.episode::BIGINT AS episode, w.frame_index, (w.frame_index - p.first_index)::INTEGER AS run_frame
     FROM wanted AS w JOIN placed AS p USING (episode_id, frame_index)`,
    ),
  );
}
