import { clipKey, clipKind } from '../../datasets/camera.ts';
import { sqlText, sqlTypes } from '../../datasets/sql-types.ts';
import { openLake } from '../../activities/lake/lake.ts';
import type { ConsoleWorld } from './console-world.ts';

export interface StoredEpisode {
  readonly episodeId: string;
  readonly robotId: string;
  readonly robotType?: string;
  readonly robotTypeVersion?: number;
  readonly task: string;
  readonly startedMs: number;
  readonly frames: number;
  readonly outcome?: string;
  readonly failureReason?: string;
  /** Readings of a frame. */
  readonly observations: number;
  /** Clips of cameras that the episode names; `startedMs`: from its start. */
  readonly clips?: readonly { readonly camera: string; readonly sha256: string; readonly startedMs: number }[];
}

/** Puts episodes into the lake of a console's world, with frames ten a second: reading i of frame f is i + f / 100, every fifth frame is a correction. */
export async function storeEpisodes({ facts, ports }: ConsoleWorld, episodes: readonly StoredEpisode[]): Promise<void> {
  const { store, engine, clock } = ports;
  const lake = openLake({ store, engine, clock, stagingDirectory: facts.scratchDirectory });
  const rows = episodes.map(
    ({ robotType = 'scitos-g5', robotTypeVersion = 1, outcome = 'success', failureReason, ...episode }) =>
      `('${episode.episodeId}', '${episode.robotId}', '${robotType}', ${robotTypeVersion}, '${episode.task}', ${episode.startedMs}, ${episode.frames}, '${outcome}', ${failureReason === undefined ? 'NULL' : sqlText(failureReason)}, ${episode.observations}, ${mediaOf(episode)})`,
  );
  const source = `(VALUES ${rows.join(', ')}) AS e(episode_id, robot_id, robot_type, robot_type_version, task, started, frames, outcome, failure, observations, media)`;
  const startedAt = 'make_timestamptz(started * 1000)';
  const day = 'make_timestamp(started * 1000)::DATE AS recorded_on';
  const frames = `(SELECT episode_id, i::INTEGER AS frame_index, make_timestamptz(started * 1000 + i * 100000) AS timestamp,
      list_transform(range(observations), o -> o + i / 100)::FLOAT[] AS observation, [i // 20 % 4]::FLOAT[] AS "action",
      CASE WHEN i % 5 = 0 THEN [1]::FLOAT[] END AS expert_action, i % 5 = 0 AS is_correction, ${day}
    FROM ${source}, range(frames) AS t(i))`;
  const stored = `(SELECT episode_id, robot_id, robot_type, robot_type_version, 'hall' AS site, task, '1.1.0' AS policy_version,
      ${startedAt} AS started_at, frames * 100 AS duration_ms, outcome, failure::VARCHAR AS failure_reason, false AS intervened,
      NULL AS latency_p50_ms, NULL AS latency_p95_ms, frames AS frame_count, media, ${startedAt} AS received_at, 'train' AS split, ${day}
    FROM ${source})`;
  const session = await engine.open();
  try {
    const transaction = { appId: 'test', version: 1 };
    await lake.append(session, 'frames', frames, transaction, 'WRITE');
    await lake.append(session, 'episodes', stored, transaction, 'WRITE');
  } finally {
    await session.close();
  }
}

function mediaOf({ clips, startedMs, frames }: Pick<StoredEpisode, 'clips' | 'startedMs' | 'frames'>): string {
  if (clips === undefined) return `NULL::${sqlTypes.mediaList}`;
  const list = clips.map(({ camera, sha256, startedMs: sinceMs }) => {
    const started = `make_timestamptz(${Math.round((startedMs + sinceMs) * 1_000)})`;
    return `{sha256: '${sha256}', kind: ${sqlText(clipKind(camera))}, "startedAt": ${started}, "durationMs": ${frames * 100}, "key": '${clipKey(sha256)}'}`;
  });
  return `[${list.join(', ')}]::${sqlTypes.mediaList}`;
}
