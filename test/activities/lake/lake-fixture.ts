import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLake, type Lake } from '../../../activities/lake/lake.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import type { SqlEngine, SqlSession } from '../../../activities/ports/sql.ts';
import type { LakeTable } from '../../../datasets/dataset-version.ts';
import { sharedEngine } from '../../support/engine.ts';

/** 22 November 2026, 00:00 UTC. */
export const startUs = 1_795_305_600_000_000;
export const startMs = startUs / 1_000;

export interface LakeFixture {
  readonly directory: string;
  readonly engine: SqlEngine;
  readonly session: SqlSession;
  readonly lake: Lake;
  /** Another lake on the same store, as another process would open it. */
  reopen(): Lake;
  rows(table: LakeTable, version: number, columns: string): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

export async function openLakeFixture(
  makeStore: (directory: string) => Promise<ObjectStore> | ObjectStore,
  threads = 1,
): Promise<LakeFixture & { readonly store: ObjectStore }> {
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-lake-'));
  const store = await makeStore(directory);
  const engine = sharedEngine(threads);
  const session = await engine.open();
  let nowMs = startMs;
  const reopen = () => openLake({ store, engine, clock: () => nowMs++, stagingDirectory: join(directory, 'staging') });
  const lake = reopen();
  return {
    directory,
    store,
    engine,
    session,
    lake,
    reopen,
    rows: async (table, version, columns) =>
      session.rows(`SELECT ${columns} FROM ${await lake.scan(table, version)} AS t ORDER BY ALL`),
    close: async () => {
      await session.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/**
 * Frames as a relation: `episodes` episodes from number `first`, ten frames each, a day every `episodesADay`; the first
 * observation is the frame's running number, every third frame carries an expert's action.
 */
export function frames(first: number, episodes: number, episodesADay = 4): string {
  return `(SELECT printf('E%05d', row // 10) AS episode_id, (row % 10)::INTEGER AS frame_index,
    make_timestamptz(${startUs} + row * 100000) AS timestamp, [row, 2.5]::FLOAT[] AS observation,
    [(row % 4)]::FLOAT[] AS "action", CASE WHEN row % 3 = 0 THEN [1]::FLOAT[] END AS expert_action,
    row % 3 = 0 AS is_correction, DATE '2026-11-22' + (row // ${10 * episodesADay})::INTEGER AS recorded_on
    FROM range(${first * 10}, ${(first + episodes) * 10}) AS t(row))`;
}

export const transaction = (version: number, appId = 'test') => ({ appId, version });

/** Their episodes, of robots `r0` to `r2` at a site that wants to break SQL. */
export const episodesSql = (first: number, count: number): string =>
  `(SELECT episode_id, 'r' || (substr(episode_id, 2)::INTEGER % 3) AS robot_id, 'x' AS robot_type, 1 AS robot_type_version,
    's''; --' AS site, 't' AS task, NULL AS policy_version, min("timestamp") AS started_at, 1 AS duration_ms, 'success' AS outcome,
    NULL AS failure_reason, false AS intervened, NULL AS latency_p50_ms, NULL AS latency_p95_ms, 10 AS frame_count, NULL AS media,
    min("timestamp") AS received_at, 'train' AS split, min(recorded_on) AS recorded_on FROM ${frames(first, count)} GROUP BY episode_id)`;
