import { sqlText } from '../../datasets/sql-types.ts';
import type { CatalogueTask } from '../../datasets/task-catalogue.ts';
import { weeksUntil, type Week } from '../../domain/facts/days.ts';
import { activeStanding, fractionOf, type Metric, type TaskStanding } from '../../domain/metrics/index.ts';
import { readRobotType } from '../../store/records/robot-types.ts';
import { readTaskCatalogue } from '../../store/records/task-log.ts';
import { latestFacts } from '../facts/fact-state.ts';
import type { DaySpan } from '../facts/fact-tables.ts';
import type { SqlRow, SqlSession } from '../ports/sql.ts';
import { readPolicyDocument } from '../registry/policy-document.ts';
import { robotSumsSql, sumsOf, within } from './fact-sums.ts';
import type { MetricsPorts } from './read-metrics.ts';

export interface TaskWeeksQuestion {
  readonly policy: string;
  /** The last week is the one of this instant. */
  readonly untilMs: number;
  readonly weeks: number;
}

/** Success of one task in one time; `robots` of them told of it. */
export interface SuccessCell {
  readonly robots: number;
  readonly metric: Metric;
}

export interface TaskRow extends CatalogueTask {
  readonly standing: TaskStanding;
  /** Added, or taken back from retirement, within these weeks. */
  readonly isNew: boolean;
  readonly total: SuccessCell;
  /** One for each week, oldest first. */
  readonly weeks: readonly SuccessCell[];
}

export interface TaskWeeksAnswer {
  readonly policy: string;
  /** Last record of the task catalogue; -1: none. */
  readonly seq: number;
  /** `noFacts`: nobody makes facts of telemetry yet; `empty`: no counted episode in these weeks. */
  readonly state: 'read' | 'empty' | 'noFacts';
  readonly asOfMs: number | null;
  readonly weeks: readonly Week[];
  /** By index. */
  readonly tasks: readonly TaskRow[];
  /** Tasks that robots told of and the catalogue does not have: how many, their episodes, and the names of the most frequent ones. */
  readonly unknown: {
    readonly tasks: number;
    readonly episodes: number;
    readonly first: readonly { readonly task: string; readonly episodes: number; readonly robots: number }[];
  };
}

const mostUnknown = 20;
const longestUnknown = 100;
const nobody: SuccessCell = { robots: 0, metric: { kind: 'noData', why: 'no counted episode' } };
const noUnknown: TaskWeeksAnswer['unknown'] = { tasks: 0, episodes: 0, first: [] };

/** Success of every task of the catalogue, week by week. Only reads. Cost grows with the episodes of these weeks; the answer with tasks × weeks. */
export async function readTaskWeeks(ports: MetricsPorts, question: TaskWeeksQuestion): Promise<TaskWeeksAnswer> {
  const { policy, untilMs } = question;
  const { robotType } = await readPolicyDocument(ports.store, policy);
  const type = await readRobotType(ports.store, robotType.id, robotType.version);
  const { seq, tasks } = await readTaskCatalogue(ports.store, policy, type);
  const weeks = weeksUntil(untilMs, question.weeks);
  const span = { from: weeks[0]?.from ?? '', to: weeks.at(-1)?.to ?? '' };
  const state = await latestFacts(ports.store, policy);
  const outcomes = state && (await ports.facts.scan('outcomes', span));
  const told = outcomes === undefined ? nothing : await tellTasks(ports, outcomes, { policy, span, tasks });
  const startMs = Date.parse(`${span.from}T00:00:00Z`);
  return {
    policy,
    seq,
    state: state === undefined ? 'noFacts' : told.cells.size === 0 && told.unknown.tasks === 0 ? 'empty' : 'read',
    asOfMs: state?.asOfMs ?? null,
    weeks,
    tasks: tasks.map((task) => rowOf(task, told.cells, weeks, startMs)),
    unknown: told.unknown,
  };
}

interface Told {
  /** By {@link cellKey}. */
  readonly cells: ReadonlyMap<string, SqlRow>;
  readonly unknown: TaskWeeksAnswer['unknown'];
}
const nothing: Told = { cells: new Map(), unknown: noUnknown };

/** `week` null: all of them together. */
const cellKey = (task: string, week: number | null): string => `${week ?? 'all'} ${task}`;

async function tellTasks(
  ports: MetricsPorts,
  outcomes: string,
  of: { readonly policy: string; readonly span: DaySpan; readonly tasks: readonly CatalogueTask[] },
): Promise<Told> {
  const known = `task IN (${of.tasks.map(({ id }) => sqlText(id)).join(', ')})`;
  const counted = `FROM ${outcomes} AS outcome_rows WHERE is_counted AND ${within(of.policy, of.span)}`;
  const session = await ports.engine.open();
  try {
    const rows = await session.rows(
      `WITH counted AS (SELECT task, robot_id, outcome, date_diff('day', DATE ${sqlText(of.span.from)}, recorded_on) // 7 AS week
         ${counted} AND ${known}),
       robot AS (SELECT task, week, robot_id, count(*) AS n, count(*) FILTER (outcome = 'success') AS s FROM counted
         GROUP BY GROUPING SETS ((task, week, robot_id), (task, robot_id)))
       SELECT task, week, ${robotSumsSql} FROM robot GROUP BY ALL`,
    );
    const cells = new Map(
      rows.map((row) => {
        const week = row['week'];
        return [cellKey(row['task'] as string, typeof week === 'number' ? week : null), row] as const;
      }),
    );
    return { cells, unknown: await unknownTasks(session, `${counted} AND NOT ${known}`) };
  } finally {
    await session.close();
  }
}

async function unknownTasks(session: SqlSession, counted: string): Promise<TaskWeeksAnswer['unknown']> {
  const [all] = await session.rows(
    `SELECT count(DISTINCT task)::DOUBLE AS tasks, count(*)::DOUBLE AS episodes ${counted}`,
  );
  if (all === undefined || all['tasks'] === 0) return noUnknown;
  const first = await session.rows(
    `SELECT left(task, ${longestUnknown}) AS name, count(*)::DOUBLE AS episodes, count(DISTINCT robot_id)::DOUBLE AS robots
     ${counted} GROUP BY name ORDER BY episodes DESC, name LIMIT ${mostUnknown}`,
  );
  return {
    tasks: all['tasks'] as number,
    episodes: all['episodes'] as number,
    first: first.map((row) => ({
      task: row['name'] as string,
      episodes: row['episodes'] as number,
      robots: row['robots'] as number,
    })),
  };
}

function rowOf(task: CatalogueTask, cells: Told['cells'], weeks: readonly Week[], startMs: number): TaskRow {
  const all = cells.get(cellKey(task.id, null));
  const told = { episodes: Number(all?.['n'] ?? 0), successes: Number(all?.['s'] ?? 0) };
  return {
    ...task,
    standing: task.status === 'retired' ? 'retired' : activeStanding(told),
    isNew: task.status === 'active' && task.said !== undefined && task.said.atMs >= startMs,
    total: cellOf(all),
    weeks: weeks.map((_, week) => cellOf(cells.get(cellKey(task.id, week)))),
  };
}

function cellOf(row: SqlRow | undefined): SuccessCell {
  if (row === undefined) return nobody;
  const sums = sumsOf(row, 's');
  return { robots: sums.robots, metric: fractionOf(sums, 'no counted episode') };
}
