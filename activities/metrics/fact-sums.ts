import { sqlText } from '../../datasets/sql-types.ts';
import { quantileRanks, type GroupFacts, type ToldLatency, type RobotSums } from '../../domain/metrics/index.ts';
import type { DaySpan } from '../facts/fact-tables.ts';
import type { SqlRow, SqlSession } from '../ports/sql.ts';

/** What metrics may be told apart by; undefined: not at all. */
export const groupings = ['task', 'robot', 'site', 'version', 'body', 'trial'] as const;
export type Grouping = (typeof groupings)[number];

/** Name of everything in one group. */
export const everything = 'all';
/** Name of what no robot record that can be read says. */
const unknown = '(unknown)';

/** A group's name in SQL; NULL: in no group. */
export const groupSql: Readonly<Record<Grouping, string>> = {
  task: 'task',
  robot: 'robot_id',
  site: `coalesce(site, '${unknown}')`,
  version: 'policy_version',
  body: `coalesce(robot_type || '@' || robot_type_version, '${unknown}')`,
  trial: 'trial_id',
};

/** The groupings by which time online is told. */
export const timeGroupings: readonly (Grouping | undefined)[] = [undefined, 'robot', 'site', 'body'];

export const bodyName = (robotType: { readonly id: string; readonly version: number }): string =>
  `${robotType.id}@${robotType.version}`;

const nameSql = (by: Grouping | undefined): string => (by === undefined ? `'${everything}'` : groupSql[by]);

export const within = (policy: string, { from, to }: DaySpan): string =>
  `policy = ${sqlText(policy)} AND recorded_on >= DATE ${sqlText(from)} AND recorded_on < DATE ${sqlText(to)}`;

/** Over rows of one robot each, with its episodes `n` and successes `s`: what {@link sumsOf} of `s` reads. */
export const robotSumsSql =
  'count(*) AS robots, sum(n)::DOUBLE AS n, sum(n * n)::DOUBLE AS nn, sum(s)::DOUBLE AS s, sum(s * s)::DOUBLE AS ss, sum(s * n)::DOUBLE AS sn';

const latencyColumns = {
  latency: 'latency_p50_ms',
  policyLatency: 'policy_p50_ms',
  decodingLatency: 'decoding_p50_ms',
} as const;
type LatencyName = keyof typeof latencyColumns;

type OutcomeFacts = Pick<GroupFacts, 'success' | 'intervention' | 'tasks' | LatencyName>;

/** What counted episodes of a time come to, by group. */
export async function sumOutcomes(
  session: SqlSession,
  outcomes: string,
  of: { readonly policy: string; readonly by: Grouping | undefined; readonly span: DaySpan },
): Promise<ReadonlyMap<string, OutcomeFacts>> {
  const counted =
    `counted AS (SELECT ${nameSql(of.by)} AS name, * FROM ${outcomes} AS outcome_rows ` +
    `WHERE is_counted AND ${within(of.policy, of.span)})`;
  const robots = await session.rows(
    `WITH ${counted}, robot AS (SELECT name, robot_id, count(*) AS n, count(*) FILTER (outcome = 'success') AS s,
       count(*) FILTER (intervened) AS i FROM counted WHERE name IS NOT NULL GROUP BY ALL)
     SELECT name, ${robotSumsSql}, sum(i)::DOUBLE AS i, sum(i * i)::DOUBLE AS ii, sum(i * n)::DOUBLE AS "in"
     FROM robot GROUP BY name ORDER BY name`,
  );
  const tasks = await session.rows(
    `WITH ${counted} SELECT name, task, count(*)::DOUBLE AS episodes, (count(*) FILTER (outcome = 'success'))::DOUBLE AS successes
     FROM counted WHERE name IS NOT NULL GROUP BY ALL ORDER BY ALL`,
  );
  const tasksByName = Map.groupBy(tasks, (row) => row['name'] as string);
  const latencies = {
    latency: await latenciesOf(session, counted, 'latency'),
    policyLatency: await latenciesOf(session, counted, 'policyLatency'),
    decodingLatency: await latenciesOf(session, counted, 'decodingLatency'),
  };
  return new Map(
    robots.map((row) => {
      const name = row['name'] as string;
      const facts: OutcomeFacts = {
        success: sumsOf(row, 's'),
        intervention: sumsOf(row, 'i'),
        latency: latencies.latency.get(name) ?? null,
        policyLatency: latencies.policyLatency.get(name) ?? null,
        decodingLatency: latencies.decodingLatency.get(name) ?? null,
        tasks: (tasksByName.get(name) ?? []).map((task) => ({
          task: task['task'] as string,
          episodes: task['episodes'] as number,
          successes: task['successes'] as number,
        })),
      };
      return [name, facts] as const;
    }),
  );
}

export const sumsOf = (row: SqlRow, hits: 's' | 'i'): RobotSums => ({
  robots: row['robots'] as number,
  of: row['n'] as number,
  hits: row[hits] as number,
  hitsSquared: row[`${hits}${hits}`] as number,
  hitsTimesOf: row[`${hits}n`] as number,
  ofSquared: row['nn'] as number,
});

const latencyQuantile = 0.95;

async function latenciesOf(
  session: SqlSession,
  counted: string,
  which: LatencyName,
): Promise<ReadonlyMap<string, ToldLatency>> {
  const column = latencyColumns[which];
  const told = `FROM counted WHERE name IS NOT NULL AND ${column} IS NOT NULL`;
  const counts = await session.rows(`WITH ${counted} SELECT name, count(*)::DOUBLE AS n ${told} GROUP BY name`);
  if (counts.length === 0) return new Map();
  const ranks = new Map(
    counts.map((row) => [row['name'] as string, quantileRanks(row['n'] as number, latencyQuantile)] as const),
  );
  const wanted = [...ranks].flatMap(([name, { rank, low, high }]) =>
    [rank, low, high].flatMap((each) => (each === null ? [] : [`(${sqlText(name)}, ${each})`])),
  );
  const found = await session.rows(
    `WITH ${counted}, ranked AS (SELECT name, ${column} AS ms, row_number() OVER (PARTITION BY name ORDER BY ${column}) AS rank ${told})
     SELECT DISTINCT ranked.name AS name, ranked.rank AS rank, ms FROM ranked
     JOIN (VALUES ${wanted.join(', ')}) AS wanted(name, rank) ON wanted.name = ranked.name AND wanted.rank = ranked.rank`,
  );
  const byName = Map.groupBy(found, (row) => row['name'] as string);
  return new Map(
    counts.flatMap((row) => {
      const name = row['name'] as string;
      const at = new Map((byName.get(name) ?? []).map((one) => [one['rank'] as number, one['ms'] as number]));
      const { rank, low, high } = ranks.get(name) ?? quantileRanks(1, latencyQuantile);
      const msAt = (each: number | null): number | null => (each === null ? null : (at.get(each) ?? null));
      const p95Ms = msAt(rank);
      if (p95Ms === null) return [];
      return [[name, { n: row['n'] as number, p95Ms, lowMs: msAt(low), highMs: msAt(high) }] as const];
    }),
  );
}

/** Time online by group and robot. */
export async function sumOnline(
  session: SqlSession,
  fleetDays: string,
  of: { readonly policy: string; readonly by: Grouping | undefined; readonly span: DaySpan },
): Promise<readonly { readonly name: string; readonly robotId: string; readonly onlineMs: number }[]> {
  const rows = await session.rows(
    `SELECT ${nameSql(of.by)} AS name, robot_id, sum(online_ms)::DOUBLE AS online_ms FROM ${fleetDays} AS fleet_day_rows
     WHERE ${within(of.policy, of.span)} GROUP BY ALL`,
  );
  return rows.map((row) => ({
    name: row['name'] as string,
    robotId: row['robot_id'] as string,
    onlineMs: row['online_ms'] as number,
  }));
}
