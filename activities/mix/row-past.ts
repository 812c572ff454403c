import type { NumberedBody } from '../../datasets/bodies/body-sql.ts';
import type { NumberColumn } from '../../datasets/arrow-rows.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTableAs } from '../temp-table.ts';
import { shapedColumns } from './shaped-columns.ts';
import { rowPastTable } from './window-tables.ts';

export interface RowPastInput {
  /** SQL of the rows of the set: `episode` (a whole number), `episode_id`, `body_index`, `frame_index`. */
  readonly rows: string;
  /** Relation of the frames that they lie among. */
  readonly frames: string;
  readonly robotType: RobotType;
  readonly bodies: readonly NumberedBody[];
  /** Frames of a row, the present included; at least 2. */
  readonly history: number;
}

/** Frames that are farther apart do not follow each other. */
export const longestGapUs = ({ rateHz, limits }: Pick<RobotType, 'rateHz' | 'limits'>): number =>
  Math.ceil((limits.maxFrameGapPeriods * 1e6) / rateHz);

/** Columns of a set with history behind those of every set. */
export const pastColumns = (
  { observations }: Pick<RobotType, 'observations'>,
  history: number,
): readonly NumberColumn[] =>
  history === 1
    ? []
    : [
        { name: 'past', kind: 'float32', size: (history - 1) * observations.length },
        { name: 'past_frames', kind: 'int32', size: history - 1 },
      ];

/** The same, in SQL. */
export const pastNames = (history: number): readonly string[] => (history === 1 ? [] : ['past', 'past_frames']);

/**
 * Makes the temporary table `row_past`: the readings of the frames before each row within its episode, whether these are labelled or not, as far back as frames follow
 * each other without a gap of more than the robot type's `maxFrameGapPeriods`. Where there are fewer, the earliest stands for those before it, with index −1. Frames
 * of other episodes never enter. Memory and spill follow the rows and their history.
 */
export async function makeRowPast(session: SqlSession, input: RowPastInput): Promise<void> {
  const { rows, frames, robotType, bodies, history } = input;
  const { observations } = robotType;
  const { observation } = shapedColumns(robotType, 'f', 'true', bodies);
  const before = history - 1;
  await session.run(
    createTableAs(
      rowPastTable,
      `WITH wanted AS (SELECT DISTINCT episode, episode_id, body_index, frame_index FROM (${rows})),
     e AS (SELECT w.*, back.k FROM wanted AS w, range(0, ${history}) AS back(k) WHERE w.frame_index >= back.k),
     found AS (
       SELECT e.episode, e.frame_index, e.k, epoch_us(f."timestamp") AS at_us, (${observation})::FLOAT[] AS readings
       FROM ${frames} AS f JOIN e ON e.episode_id = f.episode_id AND f.frame_index = e.frame_index - e.k
     ), linked AS (
       SELECT *, k = 0 OR coalesce(lag(k) OVER near = k - 1 AND lag(at_us) OVER near - at_us BETWEEN 0 AND ${longestGapUs(robotType)}, false) AS is_linked
       FROM found WINDOW near AS (PARTITION BY episode, frame_index ORDER BY k)
     ), reached AS (
       SELECT *, bool_and(is_linked) OVER (PARTITION BY episode, frame_index ORDER BY k) AS is_reached FROM linked
     ), seen AS (
       SELECT episode, frame_index, list(readings ORDER BY k DESC) AS readings, list((frame_index - k)::FLOAT ORDER BY k DESC) AS places
       FROM reached WHERE is_reached GROUP BY ALL
     )
     SELECT episode::BIGINT AS episode, frame_index,
       flatten(list_concat(list_transform(range(${history} - len(readings)), lambda pad : readings[1]), readings[1 : len(readings) - 1]))::FLOAT[${before * observations.length}] AS past,
       list_concat(list_transform(range(${history} - len(readings)), lambda pad : -1::FLOAT), places[1 : len(places) - 1])::FLOAT[${before}] AS past_frames
     FROM seen`,
    ),
  );
}
