import { sqlText } from '../../datasets/sql-types.ts';
import { latestFacts } from '../facts/fact-state.ts';
import type { DaySpan } from '../facts/fact-tables.ts';
import { within } from './fact-sums.ts';
import type { SqlSession } from '../ports/sql.ts';
import type { MetricsPorts } from './read-metrics.ts';

export interface ToldEpisodesQuestion extends DaySpan {
  readonly policy: string;
  readonly episodeId?: string | undefined;
  readonly robotId?: string | undefined;
  readonly trialId?: string | undefined;
  readonly outcome?: 'success' | 'failure' | 'aborted' | undefined;
  /** Why they did not succeed, as the monitor counts it: `unknown` where none was told. */
  readonly reason?: string | undefined;
  /** Most to list, ≥ 1. */
  readonly limit: number;
}

/** One episode as its robot told of it. */
export interface ToldEpisode {
  readonly episodeId: string;
  readonly robotId: string;
  readonly task: string;
  readonly policyVersion: string | null;
  readonly trialId: string | null;
  /** Unix ms; null: nobody knows. */
  readonly endedMs: number | null;
  /** UTC day under which it is kept. */
  readonly day: string;
  readonly durationMs: number;
  readonly outcome: string;
  readonly failureReason: string | null;
  readonly intervened: boolean;
  readonly correctedFrames: number;
}

/** A robot with the episodes that it ran under a trial, by version. */
export interface TrialRobot {
  readonly robotId: string;
  readonly policyVersion: string | null;
  readonly episodes: number;
  readonly successes: number;
  readonly failures: number;
}

interface Told {
  readonly state: 'read' | 'empty' | 'noFacts';
  readonly asOfMs: number | null;
  /** All that match. */
  readonly total: number;
}
/** How many episodes of one robot or version match, of all that it ran. */
interface MatchingGroup {
  /** null: no version was told. */
  readonly name: string | null;
  readonly episodes: number;
  readonly of: number;
}

/** Those with the most first, at most ten of each. */
export interface MatchingGroups {
  readonly robots: readonly MatchingGroup[];
  readonly robotsTotal: number;
  readonly versions: readonly MatchingGroup[];
  readonly versionsTotal: number;
}

export type ToldEpisodesAnswer = Told & {
  readonly episodes: readonly ToldEpisode[];
  /** null: no reason was asked for. */
  readonly groups: MatchingGroups | null;
};
export type TrialRobotsAnswer = Told & { readonly robots: readonly TrialRobot[] };

/**
 * Episodes that robots told of on these days, the newest first; a total, and at most `limit` of them. Where a reason is asked for, also which robots and
 * versions have how many. Only reads.
 */
export async function readToldEpisodes(
  ports: MetricsPorts,
  { limit, ...asked }: ToldEpisodesQuestion,
): Promise<ToldEpisodesAnswer> {
  const { policy, from, to, episodeId, robotId, trialId, outcome, reason } = asked;
  const state = await latestFacts(ports.store, policy);
  const outcomes = state && (await ports.facts.scan('outcomes', { from, to }));
  const nothing = { asOfMs: state?.asOfMs ?? null, total: 0, episodes: [], groups: null };
  if (outcomes === undefined) return { state: state === undefined ? 'noFacts' : 'empty', ...nothing };
  const ran = [
    within(policy, { from, to }),
    ...(episodeId === undefined ? [] : [`episode_id = ${sqlText(episodeId)}`]),
    ...(robotId === undefined ? [] : [`robot_id = ${sqlText(robotId)}`]),
    ...(trialId === undefined ? [] : [`trial_id = ${sqlText(trialId)}`]),
  ].join(' AND ');
  const matches = [
    'true',
    ...(outcome === undefined ? [] : [`outcome = ${sqlText(outcome)}`]),
    ...(reason === undefined
      ? []
      : [`outcome <> 'success' AND coalesce(failure_reason, 'unknown') = ${sqlText(reason)}`]),
  ].join(' AND ');
  const session = await ports.engine.open();
  try {
    const told = `FROM ${outcomes} AS outcome_rows WHERE ${ran} AND ${matches}`;
    const [sum] = await session.rows(`SELECT count(*) AS n ${told}`);
    const rows = await session.rows(
      `SELECT *, epoch_ms(ended_at)::DOUBLE AS ended_ms, recorded_on::VARCHAR AS told_day ${told}
       ORDER BY ended_at DESC NULLS LAST, episode_id DESC LIMIT ${limit}`,
    );
    return {
      ...nothing,
      state: rows.length === 0 ? 'empty' : 'read',
      total: Number(sum?.['n'] ?? 0),
      groups: reason === undefined ? null : await matchingGroups(session, outcomes, { ran, matches }),
      episodes: rows.map((row) => ({
        episodeId: row['episode_id'] as string,
        robotId: row['robot_id'] as string,
        task: row['task'] as string,
        policyVersion: row['policy_version'] as string | null,
        trialId: row['trial_id'] as string | null,
        endedMs: row['ended_ms'] === null ? null : Number(row['ended_ms']),
        day: row['told_day'] as string,
        durationMs: Number(row['duration_ms']),
        outcome: row['outcome'] as string,
        failureReason: row['failure_reason'] as string | null,
        intervened: row['intervened'] as boolean,
        correctedFrames: Number(row['corrected_frames']),
      })),
    };
  } finally {
    await session.close();
  }
}

const mostGroups = 10;

async function matchingGroups(
  session: SqlSession,
  outcomes: string,
  { ran, matches }: { readonly ran: string; readonly matches: string },
): Promise<MatchingGroups> {
  const by = async (column: 'robot_id' | 'policy_version') => {
    const rows = await session.rows(
      `SELECT ${column} AS name, count(*) FILTER (${matches}) AS n, count(*) AS ran, count(*) OVER () AS groups
       FROM ${outcomes} AS outcome_rows WHERE ${ran} GROUP BY ${column} HAVING n > 0 ORDER BY n DESC, name LIMIT ${mostGroups}`,
    );
    return {
      groups: rows.map((row) => ({
        name: row['name'] as string | null,
        episodes: Number(row['n']),
        of: Number(row['ran']),
      })),
      total: Number(rows[0]?.['groups'] ?? 0),
    };
  };
  const [robots, versions] = [await by('robot_id'), await by('policy_version')];
  return {
    robots: robots.groups,
    robotsTotal: robots.total,
    versions: versions.groups,
    versionsTotal: versions.total,
  };
}

/** Which robots ran a trial's versions, those with the most failures first; at most `limit`. Only reads. */
export async function readTrialRobots(
  ports: MetricsPorts,
  {
    policy,
    trialId,
    limit,
    ...span
  }: DaySpan & { readonly policy: string; readonly trialId: string; readonly limit: number },
): Promise<TrialRobotsAnswer> {
  const state = await latestFacts(ports.store, policy);
  const outcomes = state && (await ports.facts.scan('outcomes', span));
  const nothing = { asOfMs: state?.asOfMs ?? null, total: 0, robots: [] };
  if (outcomes === undefined) return { state: state === undefined ? 'noFacts' : 'empty', ...nothing };
  const session = await ports.engine.open();
  try {
    const rows = await session.rows(
      `SELECT robot_id, policy_version, count(*) AS n, count(*) FILTER (outcome = 'success') AS s,
         count(*) FILTER (outcome = 'failure') AS f, count(*) OVER () AS groups
       FROM ${outcomes} AS outcome_rows WHERE ${within(policy, span)} AND trial_id = ${sqlText(trialId)}
       GROUP BY robot_id, policy_version ORDER BY f DESC, n DESC, robot_id, policy_version LIMIT ${limit}`,
    );
    return {
      ...nothing,
      state: rows.length === 0 ? 'empty' : 'read',
      total: Number(rows[0]?.['groups'] ?? 0),
      robots: rows.map((row) => ({
        robotId: row['robot_id'] as string,
        policyVersion: row['policy_version'] as string | null,
        episodes: Number(row['n']),
        successes: Number(row['s']),
        failures: Number(row['f']),
      })),
    };
  } finally {
    await session.close();
  }
}
