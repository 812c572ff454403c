import { sqlText } from '../../datasets/sql-types.ts';
import { fractionOf, type Metric } from '../../domain/metrics/index.ts';
import { latestFacts } from '../facts/fact-state.ts';
import type { DaySpan } from '../facts/fact-tables.ts';
import { robotSumsSql, sumsOf, within } from './fact-sums.ts';
import type { MetricsPorts } from './read-metrics.ts';

export interface VersionSuccessQuestion extends DaySpan {
  readonly policy: string;
  readonly versions: readonly string[];
}

/** How well a version did; `n` of the metric is its counted episodes. */
export interface VersionSuccess {
  readonly robots: number;
  readonly success: Metric;
}

export interface VersionSuccessAnswer {
  readonly state: 'read' | 'empty' | 'noFacts';
  readonly asOfMs: number | null;
  /** Of those that have counted episodes. */
  readonly versions: ReadonlyMap<string, VersionSuccess>;
}

/** How well each of these versions did on these days, by counted episodes. Only reads. Cost grows with the episodes of these days. */
export async function readVersionSuccess(
  ports: MetricsPorts,
  { policy, versions, ...span }: VersionSuccessQuestion,
): Promise<VersionSuccessAnswer> {
  const state = await latestFacts(ports.store, policy);
  const outcomes = state && (await ports.facts.scan('outcomes', span));
  const asOfMs = state?.asOfMs ?? null;
  if (outcomes === undefined || versions.length === 0)
    return { state: state === undefined ? 'noFacts' : 'empty', asOfMs, versions: new Map() };
  const session = await ports.engine.open();
  try {
    const rows = await session.rows(
      `WITH robot AS (SELECT policy_version, robot_id, count(*) AS n, count(*) FILTER (outcome = 'success') AS s
         FROM ${outcomes} AS outcome_rows WHERE is_counted AND ${within(policy, span)}
         AND policy_version IN (${versions.map(sqlText).join(', ')}) GROUP BY ALL)
       SELECT policy_version, ${robotSumsSql} FROM robot GROUP BY policy_version`,
    );
    const told = rows.map((row): [string, VersionSuccess] => {
      const robots = Number(row['robots']);
      const success = fractionOf(sumsOf({ ...row, robots }, 's'), 'no counted episode');
      return [row['policy_version'] as string, { robots, success }];
    });
    return { state: told.length === 0 ? 'empty' : 'read', asOfMs, versions: new Map(told) };
  } finally {
    await session.close();
  }
}
