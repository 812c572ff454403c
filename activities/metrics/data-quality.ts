import { sqlText } from '../../datasets/sql-types.ts';
import { readRobotType } from '../../store/records/robot-types.ts';
import { readTaskCatalogue } from '../../store/records/task-log.ts';
import { latestFacts } from '../facts/fact-state.ts';
import type { DaySpan } from '../facts/fact-tables.ts';
import type { SqlSession } from '../ports/sql.ts';
import { readPolicyDocument } from '../registry/policy-document.ts';
import { within } from './fact-sums.ts';
import type { MetricsPorts } from './read-metrics.ts';

export interface DataQualityQuestion extends DaySpan {
  readonly policy: string;
  /** Registered robots of the policy: one that told of nothing is a gap too. */
  readonly robotIds: readonly string[];
}

/** Episodes that robots told of, by the UTC day on which they ended. */
export interface DataDay {
  readonly day: string;
  readonly robots: number;
  readonly successes: number;
  readonly failures: number;
  readonly aborted: number;
  readonly intervened: number;
  readonly correctedFrames: number;
}

/** How a measure of episodes is distributed; ten classes of equal width from its 1st to its 99th percentile, which also take what lies beyond. */
export interface Distribution {
  readonly measure: 'durationMs' | 'latencyMs' | 'correctedFrames';
  readonly episodes: number;
  /** Episodes that do not tell it. */
  readonly untold: number;
  readonly quantiles: readonly { readonly fraction: number; readonly value: number }[];
  readonly classes: readonly { readonly from: number; readonly to: number; readonly episodes: number }[];
}

/** A task with the episodes of the robots that are shown, in their order. */
export interface CoveredTask {
  readonly task: string;
  readonly robots: number;
  readonly episodes: number;
  readonly byRobot: readonly number[];
}

export interface DataQualityAnswer {
  readonly state: 'read' | 'empty' | 'noFacts';
  readonly asOfMs: number | null;
  readonly days: readonly DataDay[];
  readonly coverage: {
    /** Of active tasks and registered robots: pairs of which there is an episode, and all. */
    readonly coveredPairs: number;
    readonly pairs: number;
    readonly tasks: number;
    readonly robots: number;
    /** The robots with the fewest tasks first, at most {@link mostRobots}. */
    readonly shownRobots: readonly string[];
    /** The tasks that the fewest robots did first, at most {@link mostTasks}. */
    readonly shownTasks: readonly CoveredTask[];
  };
  readonly distributions: readonly Distribution[];
}

export const mostTasks = 30;
export const mostRobots = 20;
const classes = 10;
const fractions = [0.05, 0.25, 0.5, 0.75, 0.95] as const;
const measures = [
  ['durationMs', 'duration_ms'],
  ['latencyMs', 'latency_p50_ms'],
  ['correctedFrames', 'CASE WHEN corrected_frames > 0 THEN corrected_frames END'],
] as const;

/**
 * What data a fleet brings on these days: episodes a day, which robots did which tasks, how measures are distributed. Of what robots told, before
 * any collection. Only reads. Cost grows with the episodes of these days.
 */
export async function readDataQuality(ports: MetricsPorts, question: DataQualityQuestion): Promise<DataQualityAnswer> {
  const { policy, robotIds, from, to } = question;
  const { robotType } = await readPolicyDocument(ports.store, policy);
  const type = await readRobotType(ports.store, robotType.id, robotType.version);
  const catalogue = await readTaskCatalogue(ports.store, policy, type);
  const tasks = catalogue.tasks.flatMap(({ id, status }) => (status === 'active' ? [id] : []));
  const state = await latestFacts(ports.store, policy);
  const outcomes = state && (await ports.facts.scan('outcomes', { from, to }));
  const asOfMs = state?.asOfMs ?? null;
  if (outcomes === undefined) {
    const coverage = covered([], tasks, robotIds);
    return { state: state === undefined ? 'noFacts' : 'empty', asOfMs, days: [], coverage, distributions: [] };
  }
  const told = `(SELECT * FROM ${outcomes} AS outcome_rows WHERE ${within(policy, { from, to })})`;
  const session = await ports.engine.open();
  try {
    const days = await readDays(session, told);
    return {
      state: days.length === 0 ? 'empty' : 'read',
      asOfMs,
      days,
      coverage: covered(await readPairs(session, told, tasks), tasks, robotIds),
      distributions: days.length === 0 ? [] : await readDistributions(session, told),
    };
  } finally {
    await session.close();
  }
}

async function readDays(session: SqlSession, told: string): Promise<readonly DataDay[]> {
  const rows = await session.rows(
    `SELECT recorded_on::VARCHAR AS day, count(DISTINCT robot_id) AS robots, count(*) FILTER (outcome = 'success') AS successes,
       count(*) FILTER (outcome = 'failure') AS failures, count(*) FILTER (outcome = 'aborted') AS aborted,
       count(*) FILTER (intervened) AS intervened, sum(corrected_frames) AS corrected
     FROM ${told} GROUP BY recorded_on ORDER BY recorded_on`,
  );
  return rows.map((row) => ({
    day: row['day'] as string,
    robots: Number(row['robots']),
    successes: Number(row['successes']),
    failures: Number(row['failures']),
    aborted: Number(row['aborted']),
    intervened: Number(row['intervened']),
    correctedFrames: Number(row['corrected'] ?? 0),
  }));
}

interface Pair {
  readonly task: string;
  readonly robotId: string;
  readonly episodes: number;
}

async function readPairs(session: SqlSession, told: string, tasks: readonly string[]): Promise<readonly Pair[]> {
  if (tasks.length === 0) return [];
  const rows = await session.rows(
    `SELECT task, robot_id, count(*) AS episodes FROM ${told} WHERE task IN (${tasks.map(sqlText).join(', ')}) GROUP BY ALL`,
  );
  return rows.map((row) => ({
    task: row['task'] as string,
    robotId: row['robot_id'] as string,
    episodes: Number(row['episodes']),
  }));
}

/** Which robots did which tasks, the gaps first; ties by name, so that the same facts always give the same answer. */
export function covered(
  told: readonly Pair[],
  tasks: readonly string[],
  robotIds: readonly string[],
): DataQualityAnswer['coverage'] {
  const known = new Set(robotIds);
  const pairs = told.filter(({ robotId }) => known.has(robotId));
  const byTask = Map.groupBy(pairs, ({ task }) => task);
  const byRobot = Map.groupBy(pairs, ({ robotId }) => robotId);
  const fewest = (names: readonly string[], of: ReadonlyMap<string, readonly Pair[]>): readonly string[] =>
    names.toSorted((a, b) => (of.get(a)?.length ?? 0) - (of.get(b)?.length ?? 0) || (a < b ? -1 : 1));
  const shownRobots = fewest(robotIds, byRobot).slice(0, mostRobots);
  return {
    coveredPairs: pairs.length,
    pairs: tasks.length * robotIds.length,
    tasks: tasks.length,
    robots: robotIds.length,
    shownRobots,
    shownTasks: fewest(tasks, byTask)
      .slice(0, mostTasks)
      .map((task) => {
        const own = new Map((byTask.get(task) ?? []).map(({ robotId, episodes }) => [robotId, episodes]));
        return {
          task,
          robots: own.size,
          episodes: [...own.values()].reduce((sum, episodes) => sum + episodes, 0),
          byRobot: shownRobots.map((robotId) => own.get(robotId) ?? 0),
        };
      }),
  };
}

async function readDistributions(session: SqlSession, told: string): Promise<readonly Distribution[]> {
  const found: Distribution[] = [];
  for (const [measure, sql] of measures) {
    const value = `(SELECT (${sql})::DOUBLE AS v FROM ${told})`;
    const [row] = await session.rows(
      `SELECT count(v) AS told, count(*) - count(v) AS untold, ${[0.01, 0.99, ...fractions].map((fraction, at) => `quantile_cont(v, ${fraction}) AS q${at}`).join(', ')} FROM ${value}`,
    );
    const [low = NaN, high = NaN, ...quantiles] = Array.from({ length: fractions.length + 2 }, (_, at) =>
      Number(row?.[`q${at}`] ?? NaN),
    );
    const episodes = Number(row?.['told'] ?? 0);
    // Values that are all the same differ by rounding, when a percentile lies between two of them.
    const width = high - low > Math.abs(high) * 1e-9 ? (high - low) / classes : 0;
    const counts =
      episodes === 0
        ? []
        : await session.rows(
            `SELECT ${width > 0 ? `least(${classes - 1}, greatest(0, floor((v - ${low}) / ${width})))` : '0'}::INTEGER AS place, count(*) AS episodes FROM ${value} WHERE v IS NOT NULL GROUP BY ALL`,
          );
    const of = new Map(counts.map((count) => [Number(count['place']), Number(count['episodes'])]));
    found.push({
      measure,
      episodes,
      untold: Number(row?.['untold'] ?? 0),
      quantiles: episodes === 0 ? [] : fractions.map((fraction, at) => ({ fraction, value: quantiles[at] ?? NaN })),
      classes:
        episodes === 0
          ? []
          : Array.from({ length: width > 0 ? classes : 1 }, (_, at) => ({
              from: low + at * width,
              to: low + (at + 1) * width,
              episodes: of.get(at) ?? 0,
            })),
    });
  }
  return found;
}
