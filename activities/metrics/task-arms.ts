import { sqlText } from '../../datasets/sql-types.ts';
import { differenceOf, fractionOf, type Metric } from '../../domain/metrics/index.ts';
import { latestFacts } from '../facts/fact-state.ts';
import type { DaySpan } from '../facts/fact-tables.ts';
import type { SqlRow } from '../ports/sql.ts';
import { robotSumsSql, sumsOf, within } from './fact-sums.ts';
import type { MetricsPorts } from './read-metrics.ts';

/** Which counted episodes belong to one arm. */
export interface ArmQuestion {
  readonly version: string;
  /** Only episodes under this trial. */
  readonly trialId?: string | undefined;
  /** Only these robots. */
  readonly robots?: readonly string[] | undefined;
  /** Only episodes that ended at or after, and before; Unix ms. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

export interface TaskArmsQuestion extends DaySpan {
  readonly policy: string;
  readonly champion: ArmQuestion;
  readonly candidate: ArmQuestion;
  /** Most tasks to list, ≥ 1. */
  readonly limit: number;
}

/** Success of one arm; `n` of the metric is its episodes. */
export interface ArmSuccess {
  readonly robots: number;
  readonly success: Metric;
}

export interface TaskArmsRow {
  readonly champion: ArmSuccess;
  readonly candidate: ArmSuccess;
  /** Candidate minus champion, 95 %. */
  readonly difference: Metric;
}

export interface TaskArmsAnswer {
  readonly state: 'read' | 'empty' | 'noFacts';
  readonly asOfMs: number | null;
  /** Of all tasks together. */
  readonly all: TaskArmsRow;
  /** By name; those with the most episodes, of `total`. */
  readonly tasks: readonly (TaskArmsRow & { readonly task: string })[];
  readonly total: number;
}

const nobody: ArmSuccess = { robots: 0, success: { kind: 'noData', why: 'no counted episode' } };
const rowOf = (champion: ArmSuccess, candidate: ArmSuccess): TaskArmsRow => ({
  champion,
  candidate,
  difference: differenceOf(champion.success, candidate.success),
});

/**
 * Success of two versions side by side, task by task, by counted episodes of these days. Intervals know that episodes of one robot are alike. Only reads.
 * Cost grows with the episodes of these days.
 */
export async function readTaskArms(
  ports: MetricsPorts,
  { policy, champion, candidate, limit, ...span }: TaskArmsQuestion,
): Promise<TaskArmsAnswer> {
  const state = await latestFacts(ports.store, policy);
  const outcomes = state && (await ports.facts.scan('outcomes', span));
  const nothing = { asOfMs: state?.asOfMs ?? null, all: rowOf(nobody, nobody), tasks: [], total: 0 };
  if (outcomes === undefined) return { state: state === undefined ? 'noFacts' : 'empty', ...nothing };
  const session = await ports.engine.open();
  try {
    const rows = await session.rows(
      `WITH arms AS (SELECT CASE WHEN ${armSql(candidate)} THEN 'candidate' WHEN ${armSql(champion)} THEN 'champion' END AS arm,
         task, robot_id, outcome FROM ${outcomes} AS outcome_rows WHERE is_counted AND ${within(policy, span)}),
       robot AS (SELECT arm, task, grouping(task) AS is_all, robot_id, count(*) AS n, count(*) FILTER (outcome = 'success') AS s
         FROM arms WHERE arm IS NOT NULL GROUP BY GROUPING SETS ((arm, task, robot_id), (arm, robot_id)))
       SELECT arm, task, is_all, ${robotSumsSql}
       FROM robot GROUP BY arm, task, is_all`,
    );
    const byTask = Map.groupBy(
      rows.filter((row) => !isAll(row)),
      (row) => row['task'] as string,
    );
    const listed = [...byTask].toSorted(([a, left], [b, right]) => episodesOf(right) - episodesOf(left) || order(a, b));
    return {
      state: rows.length === 0 ? 'empty' : 'read',
      asOfMs: nothing.asOfMs,
      all: armsOf(rows.filter(isAll)),
      tasks: listed
        .slice(0, limit)
        .toSorted(([a], [b]) => order(a, b))
        .map(([task, told]) => ({ task, ...armsOf(told) })),
      total: byTask.size,
    };
  } finally {
    await session.close();
  }
}

const isAll = (row: SqlRow): boolean => Number(row['is_all']) === 1;
const episodesOf = (told: readonly SqlRow[]): number => told.reduce((sum, row) => sum + Number(row['n']), 0);
const order = (a: string, b: string): number => (a < b ? -1 : 1);

function armsOf(rows: readonly SqlRow[]): TaskArmsRow {
  const arm = (name: string): ArmSuccess => {
    const row = rows.find((one) => one['arm'] === name);
    if (row === undefined) return nobody;
    return { robots: Number(row['robots']), success: fractionOf(numbersOf(row), 'no counted episode') };
  };
  return rowOf(arm('champion'), arm('candidate'));
}

const numbersOf = (row: SqlRow): ReturnType<typeof sumsOf> => sumsOf({ ...row, robots: Number(row['robots']) }, 's');

function armSql({ version, trialId, robots, fromMs, toMs }: ArmQuestion): string {
  const conditions = [
    `policy_version = ${sqlText(version)}`,
    ...(trialId === undefined ? [] : [`trial_id = ${sqlText(trialId)}`]),
    ...(robots === undefined
      ? []
      : [robots.length === 0 ? 'false' : `robot_id IN (${robots.map((id) => sqlText(id)).join(', ')})`]),
    ...(fromMs === undefined ? [] : [`epoch_ms(ended_at) >= ${Math.floor(fromMs)}`]),
    ...(toMs === undefined ? [] : [`epoch_ms(ended_at) < ${Math.ceil(toMs)}`]),
  ];
  return `(${conditions.join(' AND ')})`;
}
