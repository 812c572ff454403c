import { fractionOf } from '../../domain/metrics/index.ts';
import { latestFacts } from '../facts/fact-state.ts';
import type { SqlRow } from '../ports/sql.ts';
import { robotSumsSql, sumsOf, within } from './fact-sums.ts';
import { spanOf, type MetricsPorts } from './read-metrics.ts';
import type { VersionSuccess } from './version-success.ts';

const dayMs = 86_400_000;
const mostVersions = 20;

export interface FleetSuccessAnswer {
  readonly state: 'read' | 'empty' | 'noFacts';
  readonly asOfMs: number | null;
  /** Episodes are counted that ended within the 24 hours before `asOfMs`; null: there are no facts. */
  readonly fromMs: number | null;
  readonly all: VersionSuccess;
  /** By number of episodes, the most first; the first 20 of `total`. */
  readonly versions: readonly (VersionSuccess & { readonly version: string })[];
  readonly total: number;
}

const nothing: VersionSuccess = { robots: 0, success: { kind: 'noData', why: 'no counted episode' } };

/** How well a fleet and each of its versions did in the last 24 hours that the facts reach. Only reads. Cost grows with the episodes of two days. */
export async function readFleetSuccess(ports: MetricsPorts, policy: string): Promise<FleetSuccessAnswer> {
  const state = await latestFacts(ports.store, policy);
  if (state === undefined) return { ...none, state: 'noFacts', asOfMs: null, fromMs: null };
  const { asOfMs } = state;
  const fromMs = asOfMs - dayMs;
  const span = spanOf({}, asOfMs, { defaultDays: 2, mostDays: 2 });
  const outcomes = await ports.facts.scan('outcomes', span);
  if (outcomes === undefined) return { ...none, state: 'empty', asOfMs, fromMs };
  const session = await ports.engine.open();
  try {
    const counted = `counted AS (SELECT policy_version, robot_id, count(*) AS n, count(*) FILTER (outcome = 'success') AS s
       FROM ${outcomes} AS outcome_rows WHERE is_counted AND ${within(policy, span)} AND epoch_ms(ended_at) >= ${Math.floor(fromMs)}
       GROUP BY ALL)`;
    const versions = await session.rows(
      `WITH ${counted} SELECT policy_version, ${robotSumsSql} FROM counted GROUP BY policy_version ORDER BY sum(n) DESC, policy_version`,
    );
    const [all] = await session.rows(
      `WITH ${counted}, robot AS (SELECT robot_id, sum(n) AS n, sum(s) AS s FROM counted GROUP BY robot_id) SELECT ${robotSumsSql} FROM robot`,
    );
    const told = versions.map((row) => ({ version: row['policy_version'] as string, ...successOf(row) }));
    return {
      state: told.length === 0 ? 'empty' : 'read',
      asOfMs,
      fromMs,
      all: told.length === 0 || all === undefined ? nothing : successOf(all),
      versions: told.slice(0, mostVersions),
      total: told.length,
    };
  } finally {
    await session.close();
  }
}

const none = { all: nothing, versions: [], total: 0 } as const;

function successOf(row: SqlRow): VersionSuccess {
  const robots = Number(row['robots']);
  return { robots, success: fractionOf(sumsOf({ ...row, robots }, 's'), 'no counted episode') };
}
