import { bodyIndexSql, observationSizeSql, observationSql, type NumberedBody } from '../../datasets/bodies/body-sql.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { RobotPoints } from '../../domain/statistics/index.ts';
import { isFailure } from '../../store/failures.ts';
import type { Lake } from '../lake/lake.ts';
import type { SetPorts } from '../mix/ports.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { SqlRow, SqlSession } from '../ports/sql.ts';

/** Enough for the tests, and few enough to read in a moment whatever the fleet's size. */
const mostRobots = 60;
const segmentsOfRobot = 3;
const framesOfSegment = 20;
const referenceDays = 3;
const episodesOfRobot = 6;
const framesOfEpisode = 10;
/** Segments of one robot that are looked through for its newest. */
const mostListed = 2_000;

/** Observations of frames that were uploaded and not collected yet, by robot, all read as those of body 0. A file that cannot be read is left out: validation says why. */
export async function sampleLanding(
  ports: SetPorts,
  session: SqlSession,
  bodies: readonly NumberedBody[],
): Promise<readonly RobotPoints[]> {
  const robots: RobotPoints[] = [];
  for (const robotId of await landingRobots(ports.store)) {
    const points: (readonly number[])[] = [];
    for (const key of await newestSegments(ports.store, robotId))
      points.push(...(await sampleSegment(ports.store, session, key, bodies)));
    if (points.length > 0) robots.push({ robotId, points });
  }
  return robots;
}

/** The first robots that have something in landing, one short listing each. */
export async function landingRobots(store: ObjectStore): Promise<readonly string[]> {
  const robots: string[] = [];
  let after = 'landing/';
  while (robots.length < mostRobots) {
    let robotId: string | undefined;
    for await (const { key } of store.list('landing/', { after })) {
      robotId = key.split('/')[1];
      break;
    }
    if (robotId === undefined) break;
    robots.push(robotId);
    after = `landing/${robotId}/~`;
  }
  return robots;
}

/** Keys of a robot's newest segments in landing, the newest first; few. */
export async function newestSegments(store: ObjectStore, robotId: string): Promise<readonly string[]> {
  const found: { key: string; modifiedMs: number }[] = [];
  for await (const entry of store.list(`landing/${robotId}/`)) {
    found.push(entry);
    if (found.length >= mostListed) break;
  }
  return found
    .toSorted((a, b) => b.modifiedMs - a.modifiedMs)
    .slice(0, segmentsOfRobot)
    .map(({ key }) => key);
}

async function sampleSegment(
  store: ObjectStore,
  session: SqlSession,
  key: string,
  bodies: readonly NumberedBody[],
): Promise<readonly (readonly number[])[]> {
  const path = await store.localPath(key);
  if (path === undefined) return [];
  try {
    const rows = await session.rows(
      // By a hash that differs from file to file: the same rows of every file would be no sample of what robots see.
      `SELECT ${observationSql(bodies, bodyIndexSql(bodies), 'observation')} AS observation
       FROM read_parquet(${sqlText(path)}, hive_partitioning = false, file_row_number = true)
       WHERE len(observation) = ${observationSizeSql(bodies, bodyIndexSql(bodies))}
       ORDER BY hash(${sqlText(key)} || ':' || file_row_number), file_row_number LIMIT ${framesOfSegment}`,
    );
    return pointsOf(rows);
  } catch (error) {
    if (isFailure(error, 'EngineFailed')) return [];
    throw error;
  }
}

/** The last recorded days of the lake that are compared with. */
export const newestDays = async (lake: Lake, episodesVersion: number): Promise<readonly string[]> =>
  (await lake.days('episodes', episodesVersion)).slice(-referenceDays);

/**
 * Observations of the lake's newest days, by robot: a few frames of a few episodes each, chosen by hash. Of these robots only,
 * so that a difference between robots is no drift.
 */
export async function sampleLake(
  ports: SetPorts,
  session: SqlSession,
  bodies: readonly NumberedBody[],
  robotIds: readonly string[],
): Promise<readonly RobotPoints[]> {
  if (robotIds.length === 0) return [];
  const version = await ports.lake.currentVersion();
  const days = await newestDays(ports.lake, version.episodes);
  if (days.length === 0) return [];
  const episodes = await ports.lake.scan('episodes', version.episodes, { recordedOn: days });
  const frames = await ports.lake.scan('frames', version.frames, { recordedOn: days });
  const rows = await session.rows(
    `WITH chosen AS (
       SELECT episode_id, robot_id, ${bodyIndexSql(bodies)} AS body_index FROM ${episodes}
       WHERE body_index IS NOT NULL AND robot_id IN (${robotIds.map(sqlText).join(', ')})
       QUALIFY row_number() OVER (PARTITION BY robot_id ORDER BY hash(episode_id), episode_id) <= ${episodesOfRobot}
     )
     SELECT c.robot_id, ${observationSql(bodies, 'c.body_index', 'f.observation')} AS observation
     FROM ${frames} AS f JOIN chosen AS c USING (episode_id)
     WHERE len(f.observation) = ${observationSizeSql(bodies, 'c.body_index')}
     QUALIFY row_number() OVER (PARTITION BY episode_id ORDER BY hash(episode_id || ':' || f.frame_index), f.frame_index) <= ${framesOfEpisode}
     ORDER BY c.robot_id, episode_id, f.frame_index`,
  );
  const byRobot = new Map<string, SqlRow[]>();
  for (const row of rows) {
    const robotId = row['robot_id'];
    if (typeof robotId !== 'string') continue;
    byRobot.set(robotId, [...(byRobot.get(robotId) ?? []), row]);
  }
  return [...byRobot].map(([robotId, own]) => ({ robotId, points: pointsOf(own) }));
}

const pointsOf = (rows: readonly SqlRow[]): readonly (readonly number[])[] =>
  rows.flatMap(({ observation }) => (Array.isArray(observation) ? [observation.map(Number)] : []));
