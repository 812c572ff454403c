import { activeTasks } from '../../datasets/taught-type.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { apportionWithFloor } from '../../datasets/mix/apportion.ts';
import { cellKinds, planMix, type CellKind, type PlannedCell } from '../../datasets/mix/mix-plan.ts';
import { episodeHashSql } from '../../datasets/mix/sampling-key.ts';
import { sourceQuotas } from '../../datasets/mix/source-shares.ts';
import { failure } from '../../store/failures.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTableAs } from '../temp-table.ts';
import { mixedEpisodeTable } from './tables.ts';
import { robotShareSql } from './robot-share.ts';

type Source = 'new' | 'history' | 'validation';

/** A planned cell by its number in SQL; validation rows are planned beside the mix. */
export interface NumberedCell {
  readonly number: number;
  readonly source: Source;
  /** Place of the training source, 0 where there is one; 0 for validation. */
  readonly set: number;
  readonly task: string;
  readonly kind: CellKind;
  readonly availableFrames: number;
  readonly quotaFrames: number;
}

export interface EpisodeLimits {
  readonly seed: number;
  readonly historyEpisodesPerRobot: number;
  /** Number of training sources. */
  readonly sets: number;
  /** The only tasks to learn; without it every task. */
  readonly learnedTasks?: readonly string[] | undefined;
}

/** Share of a robot's history that is divided evenly among the robot type's tasks before failures take the rest. */
const historyTaskFloorFraction = 0.5;

/**
 * Makes the temporary table `mixed_episode` out of `labelled_episode`: the episodes whose frames may enter, with the
 * number of their cell and, for a new failure that is labelled throughout, the frame that leads (−1 otherwise). A robot
 * gives at most `historyEpisodesPerRobot` episodes of history: first each task's floor, then failures, then others; ties
 * by hash, then id. Of what is new and of validation a robot gives its share: see {@link robotShareSql}. Where tasks are chosen, what is
 * new of others is there to be counted, and takes nobody's share.
 */
export async function chooseEpisodes(
  session: SqlSession,
  robotType: Pick<RobotType, 'tasks' | 'catalogue'>,
  limits: EpisodeLimits,
): Promise<void> {
  const validationSource = 2 * limits.sets;
  const perRobot = limits.historyEpisodesPerRobot;
  const floor = Math.max(1, Math.floor((perRobot * historyTaskFloorFraction) / activeTasks(robotType).length));
  const isLearned =
    limits.learnedTasks === undefined ? 'true' : `(task IN (${limits.learnedTasks.map(sqlText).join(', ')}))`;
  const hash = episodeHashSql(limits.seed, 'episode_id');
  const cellOf = (source: string, kind: string): string =>
    `((${source} * ${robotType.tasks.length} + task_index) * ${cellKinds.length} + ${kind})::INTEGER`;
  await session.run(
    createTableAs(
      mixedEpisodeTable,
      `WITH labelled AS (
       SELECT *, outcome = 'failure' AS is_failure, ${hash} AS episode_hash FROM labelled_episode WHERE labelled_count > 0
     ), history AS (
       SELECT * EXCLUDE (task_rank) FROM (
         SELECT *, row_number() OVER (PARTITION BY robot_id, task_index ORDER BY NOT is_failure, episode_hash, episode_id)
           AS task_rank
         FROM labelled WHERE split = 'train' AND NOT is_new
       )
       QUALIFY row_number() OVER (
         PARTITION BY robot_id ORDER BY task_rank > ${floor}, NOT is_failure, episode_hash, episode_id
       ) <= ${perRobot}
     ), fresh AS (FROM labelled WHERE split = 'train' AND is_new AND ${isLearned}
     ), unlearned AS (FROM labelled WHERE split = 'train' AND is_new AND NOT ${isLearned}
     ), validating AS (FROM labelled WHERE split = 'validation'
     ), entering AS (
       SELECT *, 2 * set_index AS source FROM (${robotShareSql('fresh')})
       UNION ALL BY NAME SELECT *, 2 * set_index AS source FROM (${robotShareSql('unlearned')})
       UNION ALL BY NAME SELECT *, 2 * set_index + 1 AS source FROM history
       UNION ALL BY NAME SELECT *, ${validationSource} AS source FROM (${robotShareSql('validating')})
     )
     SELECT episode_id, recorded_on, task_index, body_index, is_labelled_by_outcome, labelled_count, split = 'train' AND is_new AS is_fresh,
       ${cellOf('source', `CASE WHEN is_failure AND source < ${validationSource} THEN 1 ELSE 2 END`)} AS cell,
       CASE WHEN split = 'train' AND is_new AND is_failure AND labelled_count = frame_count
         THEN (episode_hash % frame_count::UBIGINT)::INTEGER ELSE -1 END AS lead_index
     FROM entering`,
    ),
  );
}

/** What each cell has, then what it gives: the plan of the mix, and of validation up to `validationFrames`. */
export async function planCells(
  session: SqlSession,
  robotType: Pick<RobotType, 'tasks'>,
  input: {
    readonly targetFrames: number;
    readonly newFraction: number;
    readonly validationFrames: number;
    /** The training sources; each gives its share. */
    readonly sources: readonly { readonly weight: number; readonly name: string }[];
    /** The only tasks to learn; without it every task. */
    readonly learnedTasks?: readonly string[] | undefined;
  },
): Promise<readonly NumberedCell[]> {
  const rows = await session.rows(
    `SELECT cell - is_lead AS cell, sum(CASE WHEN is_lead = 1 THEN 1 ELSE frames END) AS frames FROM (
       SELECT cell, 0 AS is_lead, labelled_count - (lead_index >= 0)::INTEGER AS frames FROM mixed_episode
       UNION ALL SELECT cell, 1 AS is_lead, 1 AS frames FROM mixed_episode WHERE lead_index >= 0
     ) GROUP BY ALL HAVING frames > 0 ORDER BY cell`,
  );
  const available = rows.map((row) =>
    numbered(Number(row['cell']), Number(row['frames']), robotType.tasks, input.sources.length),
  );
  const mixed = available.flatMap((cell) => (cell.source === 'validation' ? [] : [{ ...cell, source: cell.source }]));
  const planned = planSources(mixed, input);
  const validation = available.filter(({ source }) => source === 'validation');
  const supplies = validation.map(({ task, availableFrames }) => ({ name: task, available: availableFrames }));
  const quotas = apportionWithFloor(input.validationFrames, supplies, historyTaskFloorFraction);
  return [...planned, ...validation.map((cell) => ({ ...cell, quotaFrames: quotas.get(cell.task) ?? 0 }))];
}

type AvailableCell = Omit<NumberedCell, 'quotaFrames'>;

/** A mix of its own for every source, as large as its share. */
function planSources(
  cells: readonly (AvailableCell & { readonly source: 'new' | 'history' })[],
  input: Parameters<typeof planCells>[2],
): readonly NumberedCell[] {
  const { newFraction, learnedTasks } = input;
  const ofSet = (set: number) => cells.filter((cell) => cell.set === set);
  const supplies = input.sources.map(({ weight, name }, set) => {
    const available = ofSet(set).reduce((sum, { availableFrames }) => sum + availableFrames, 0);
    if (available === 0 && input.sources.length > 1)
      throw failure(
        'TrainingImpossible',
        `expected labelled frames of every source, got none of ${name}: collect or import some, name its tasks, or leave it out`,
      );
    return { weight, available };
  });
  const quotas = supplies.length === 1 ? [input.targetFrames] : sourceQuotas(input.targetFrames, supplies);
  return quotas.flatMap((targetFrames, set) => {
    const own = ofSet(set);
    const numberOf = (cell: PlannedCell): number =>
      own.find(({ source, task, kind }) => source === cell.source && task === cell.task && kind === cell.kind)
        ?.number ?? -1;
    const plan = planMix({ targetFrames, newFraction, learnedTasks, cells: own });
    return plan.cells.map((cell) => ({ ...cell, set, number: numberOf(cell) }));
  });
}

function numbered(number: number, availableFrames: number, tasks: readonly string[], sets: number): AvailableCell {
  const kind = cellKinds[number % cellKinds.length];
  const taskNumber = Math.floor(number / cellKinds.length);
  const task = tasks[taskNumber % tasks.length];
  const place = Math.floor(taskNumber / tasks.length);
  if (kind === undefined || task === undefined || place > 2 * sets) throw new Error(`no cell has number ${number}`);
  const source = place === 2 * sets ? 'validation' : place % 2 === 0 ? 'new' : 'history';
  return { number, source, set: source === 'validation' ? 0 : Math.floor(place / 2), task, kind, availableFrames };
}

/** The first cell number of validation: everything below belongs to training. */
export const firstValidationCell = (tasks: readonly string[], sets: number): number =>
  2 * sets * tasks.length * cellKinds.length;
