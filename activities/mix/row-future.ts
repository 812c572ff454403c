import type { NumberedBody } from '../../datasets/bodies/body-sql.ts';
import type { NumberColumn } from '../../datasets/arrow-rows.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTableAs } from '../temp-table.ts';
import { longestGapUs } from './row-past.ts';
import { shapedColumns } from './shaped-columns.ts';
import { rowFutureTable } from './window-tables.ts';

export interface RowFutureInput {
  /** SQL of the rows of the set: `episode` (a whole number), `episode_id`, `body_index`, `is_labelled_by_outcome`, `frame_index`. */
  readonly rows: string;
  /** Relation of the frames that they lie among. */
  readonly frames: string;
  readonly robotType: RobotType;
  readonly bodies: readonly NumberedBody[];
  /** Actions of a row, the present one included; at least 2. */
  readonly horizon: number;
}

/** Columns of a set with a horizon behind those of every set. */
export function futureColumns({ actions }: Pick<RobotType, 'actions'>, horizon: number): readonly NumberColumn[] {
  if (horizon === 1) return [];
  const after = horizon - 1;
  return [
    actions.kind === 'continuous'
      ? { name: 'future', kind: 'float32', size: after * actions.ranges.length }
      : { name: 'future', kind: 'int32', size: after },
    { name: 'future_frames', kind: 'int32', size: after },
  ];
}

/** The same, in SQL. */
export const futureNames = (horizon: number): readonly string[] => (horizon === 1 ? [] : ['future', 'future_frames']);

/**
 * Makes the temporary table `row_future`: the labels of the frames after each row within its episode, as far as frames follow each other without a gap of more than
 * the robot type's `maxFrameGapPeriods` and have labels. Where there are fewer, the last label there is stands for those after it, with index −1: nobody may learn it.
 * Frames of other episodes never enter, nor what follows a frame without a label, because another one acted in between. Memory and spill follow the rows and their horizon.
 */
export async function makeRowFuture(session: SqlSession, input: RowFutureInput): Promise<void> {
  const { rows, frames, robotType, bodies, horizon } = input;
  const { label } = shapedColumns(robotType, 'f', 'e.is_labelled_by_outcome', bodies);
  const { actions } = robotType;
  const after = horizon - 1;
  const listed = actions.kind === 'continuous' ? `(${label})::FLOAT[]` : `[${label}]::FLOAT[]`;
  const width = actions.kind === 'continuous' ? actions.ranges.length : 1;
  await session.run(
    createTableAs(
      rowFutureTable,
      `WITH wanted AS (SELECT DISTINCT episode, episode_id, body_index, is_labelled_by_outcome, frame_index FROM (${rows})),
     e AS (SELECT w.*, ahead.k FROM wanted AS w, range(0, ${horizon}) AS ahead(k)),
     found AS (
       SELECT e.episode, e.frame_index, e.k, epoch_us(f."timestamp") AS at_us, ${listed} AS label, (${label}) IS NOT NULL AS is_labelled
       FROM ${frames} AS f JOIN e ON e.episode_id = f.episode_id AND f.frame_index = e.frame_index + e.k
     ), linked AS (
       SELECT *, k = 0 OR coalesce(is_labelled AND lag(k) OVER near = k - 1 AND at_us - lag(at_us) OVER near BETWEEN 0 AND ${longestGapUs(robotType)}, false) AS is_linked
       FROM found WINDOW near AS (PARTITION BY episode, frame_index ORDER BY k)
     ), reached AS (
       SELECT *, bool_and(is_linked) OVER (PARTITION BY episode, frame_index ORDER BY k) AS is_reached FROM linked
     ), seen AS (
       SELECT episode, frame_index, list(label ORDER BY k) AS labels, list((frame_index + k)::FLOAT ORDER BY k) AS places
       FROM reached WHERE is_reached GROUP BY ALL
     )
     SELECT episode::BIGINT AS episode, frame_index,
       flatten(list_concat(labels[2 :], list_transform(range(${horizon} - len(labels)), lambda pad : labels[len(labels)])))::FLOAT[${after * width}] AS future,
       list_concat(places[2 :], list_transform(range(${horizon} - len(labels)), lambda pad : -1::FLOAT))::FLOAT[${after}] AS future_frames
     FROM seen`,
    ),
  );
}
