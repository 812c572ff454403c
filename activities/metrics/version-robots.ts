import { sqlText } from '../../datasets/sql-types.ts';
import { fractionOf, type Metric } from '../../domain/metrics/index.ts';
import { latestFacts } from '../facts/fact-state.ts';
import type { DaySpan } from '../facts/fact-tables.ts';
import { robotSumsSql, sumsOf, within } from './fact-sums.ts';
import type { MetricsPorts } from './read-metrics.ts';

export interface VersionRobotsQuestion extends DaySpan {
  readonly policy: string;
  readonly version: string;
  /** Most robots to list, ≥ 1. */
  readonly limit: number;
}

/** One robot that ran a version, by its counted episodes. */
export interface VersionRobot {
  readonly robotId: string;
  /** UTC days. */
  readonly firstDay: string;
  readonly lastDay: string;
  readonly episodes: number;
  readonly successes: number;
}

export interface VersionRobotsAnswer {
  readonly state: 'read' | 'empty' | 'noFacts';
  readonly asOfMs: number | null;
  /** Of all robots together. */
  readonly success: Metric;
  /** All that ran it, also those that are not listed. */
  readonly total: number;
  /** The most episodes first. */
  readonly robots: readonly VersionRobot[];
}

const none: Metric = { kind: 'noData', why: 'no counted episode' };

/** Which robots ran a version on these days, and how well. Only reads. Cost grows with the episodes of these days. */
export async function readVersionRobots(
  ports: MetricsPorts,
  { policy, version, limit, ...span }: VersionRobotsQuestion,
): Promise<VersionRobotsAnswer> {
  const state = await latestFacts(ports.store, policy);
  const outcomes = state && (await ports.facts.scan('outcomes', span));
  const nothing = { asOfMs: state?.asOfMs ?? null, success: none, total: 0, robots: [] };
  if (outcomes === undefined) return { state: state === undefined ? 'noFacts' : 'empty', ...nothing };
  const robot =
    `robot AS (SELECT robot_id, min(recorded_on)::VARCHAR AS first_day, max(recorded_on)::VARCHAR AS last_day, count(*) AS n, ` +
    `count(*) FILTER (outcome = 'success') AS s FROM ${outcomes} AS outcome_rows WHERE is_counted AND ${within(policy, span)} ` +
    `AND policy_version = ${sqlText(version)} GROUP BY robot_id)`;
  const session = await ports.engine.open();
  try {
    const [sums] = await session.rows(`WITH ${robot} SELECT ${robotSumsSql} FROM robot`);
    if (sums === undefined || sums['robots'] === 0) return { state: 'empty', ...nothing };
    const rows = await session.rows(`WITH ${robot} SELECT * FROM robot ORDER BY n DESC, robot_id LIMIT ${limit}`);
    return {
      state: 'read',
      asOfMs: nothing.asOfMs,
      success: fractionOf(sumsOf(sums, 's'), 'no counted episode'),
      total: Number(sums['robots']),
      robots: rows.map((row) => ({
        robotId: row['robot_id'] as string,
        firstDay: row['first_day'] as string,
        lastDay: row['last_day'] as string,
        episodes: Number(row['n']),
        successes: Number(row['s']),
      })),
    };
  } finally {
    await session.close();
  }
}
