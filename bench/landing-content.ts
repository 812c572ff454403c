import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { inParallel } from '../store/in-parallel.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { SqlSession } from '../activities/ports/sql.ts';
import { scitosG5Type } from '../datasets/built-in-robot-types.ts';
import { fileSha256, landingKey, markAsRecorded } from '../datasets/landing.ts';
import { robotTypeDigest } from '../datasets/robot-type-digest.ts';
import { robotTypeName } from '../datasets/robot-type.ts';
import { footerMetadata } from '../datasets/segment-footer.ts';
import { sqlText } from '../datasets/sql-types.ts';

const type = scitosG5Type;
const hours = 7 * 24;
const usPerHour = 3_600_000_000;
/** A Sunday, 00:00 UTC. */
const weekStartUs = Date.parse('2024-01-07T00:00:00Z') * 1000;

export interface LandingWeek {
  readonly seed: number;
  readonly robots: number;
  readonly episodesPerRobotHour: number;
  readonly framesPerEpisode: number;
}

/**
 * Lands one week of a fleet, made by SQL from the seed: a segment a robot and hour, episodes at regular times, one in
 * eleven a failure, one frame in fifty a correction.
 */
export async function landWeek(
  ports: { readonly store: ObjectStore; readonly session: SqlSession; readonly scratchDirectory: string },
  week: LandingWeek,
): Promise<{ readonly segments: number; readonly frames: number }> {
  for (let robot = 0; robot < week.robots; robot++) await landRobot(ports, week, robot);
  const segments = week.robots * hours;
  return { segments, frames: segments * week.episodesPerRobotHour * week.framesPerEpisode };
}

async function landRobot(
  { store, session, scratchDirectory }: Parameters<typeof landWeek>[0],
  week: LandingWeek,
  robot: number,
): Promise<void> {
  const robotId = `robot-${String(robot + 1).padStart(3, '0')}`;
  const directory = join(scratchDirectory, robotId);
  const footer = footerMetadata({
    robotId,
    robotType: robotTypeName(type),
    robotTypeDigest: robotTypeDigest(type),
    agentVersion: 'bench',
    clockSkewMs: 0,
  });
  const metadata = Object.entries(footer).map((pair) => pair.map(sqlText).join(': '));
  // Nobody registers these robots: what waits for that would be no load and no measure.
  await markAsRecorded(store, robotId, 'bench');
  await mkdir(directory, { recursive: true });
  const paths = Array.from({ length: hours }, (_, hour) => join(directory, `${hour}.parquet`));
  for (const [hour, path] of paths.entries()) {
    await session.run(
      `COPY (${rowsSql(week, robot, robotId, hour)}) TO ${sqlText(path)} ` +
        `(FORMAT parquet, COMPRESSION zstd, KV_METADATA {${metadata.join(', ')}})`,
    );
  }
  await inParallel(paths, 8, async (filePath) => {
    await store.putIfAbsent(landingKey(robotId, await fileSha256(filePath)), { filePath });
  });
  await rm(directory, { recursive: true });
}

const range = (sensor: number): string => `(0.5 + ((h${sensor % 2} >> ${sensor * 2}) & 4095) / 1024.0)::FLOAT`;

function rowsSql(week: LandingWeek, robot: number, robotId: string, hour: number): string {
  const { seed, episodesPerRobotHour, framesPerEpisode } = week;
  const periodUs = Math.round(1e6 / type.rateHz);
  const spacingUs = Math.floor(usPerHour / episodesPerRobotHour);
  const durationUs = Math.min(framesPerEpisode * periodUs, spacingUs);
  const stepUs = Math.floor(durationUs / framesPerEpisode);

  const failed = 'n % 11 = 10';
  const first = hour * episodesPerRobotHour;
  return `SELECT printf('01HM${String(robot).padStart(4, '0')}%018d', n) AS episode_id, ${sqlText(robotId)} AS robot_id,
      ${sqlText(type.id)} AS robot_type, ${type.version}::INTEGER AS robot_type_version, 'site-1' AS site,
      'wall-following' AS task, '1.0.0' AS policy_version, started_at, ${Math.ceil(durationUs / 1000)}::BIGINT AS duration_ms,
      CASE WHEN ${failed} THEN 'failure' ELSE 'success' END AS outcome,
      CASE WHEN ${failed} THEN 'left-the-wall' END AS failure_reason, false AS intervened,
      1.5::DOUBLE AS latency_p50_ms, 3.5::DOUBLE AS latency_p95_ms, ${framesPerEpisode}::INTEGER AS frame_count,
      NULL::VARCHAR AS media, f::INTEGER AS frame_index, started_at + f * ${stepUs} AS timestamp,
      [${type.observations.map((_, sensor) => range(sensor)).join(', ')}] AS observation, [(h0 & 3)::FLOAT] AS action,
      CASE WHEN h1 & 63 = 0 THEN [(h0 & 3)::FLOAT] END AS expert_action, h1 & 63 = 0 AS is_correction
    FROM (SELECT n, f, ${weekStartUs + hour * usPerHour} + (n - ${first}) * ${spacingUs} AS started_at,
        hash('${seed}:${robot}:' || n || ':' || f) AS h0, hash('${seed}:${robot}:' || f || ':' || n) AS h1
      FROM range(${first}, ${first + episodesPerRobotHour}) e(n), range(${framesPerEpisode}) i(f)) ORDER BY n, f`;
}
