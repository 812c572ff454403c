import { createHash } from 'node:crypto';

import canonicalize from 'canonicalize';

import { deterministicUlid } from '../deterministic-ulid.ts';
import type { RobotType } from '../robot-type.ts';
import type { SegmentRow } from '../segment-row.ts';
import type { SourceEpisode } from './source-episode.ts';

/** What every row of an episode repeats. */
function columnsOf(episode: SourceEpisode, type: RobotType, site: string) {
  const { frames } = episode;
  const startedAt = frames[0]?.atUs ?? 0;
  const lastUs = frames.at(-1)?.atUs ?? startedAt;
  return {
    episode_id: episode.id ?? deterministicUlid(episode.name, Math.floor(startedAt / 1000)),
    robot_id: episode.robotId,
    robot_type: type.id,
    robot_type_version: type.version,
    site: episode.site ?? site,
    task: episode.task,
    policy_version: null,
    started_at: startedAt,
    duration_ms: Math.max(0, Math.round((lastUs - startedAt) / 1000 + 1000 / type.rateHz)),
    outcome: episode.outcome,
    failure_reason: episode.failureReason,
    intervened: false,
    latency_p50_ms: null,
    latency_p95_ms: null,
    frame_count: frames.length,
    media: episode.clips ?? null,
  };
}

/** An episode as rows of a segment. */
export function* segmentRows(episode: SourceEpisode, type: RobotType, site: string): Generator<SegmentRow> {
  const ofEpisode = columnsOf(episode, type, site);
  for (const [index, { atUs, observation, action }] of episode.frames.entries())
    yield {
      ...ofEpisode,
      frame_index: index,
      timestamp: atUs,
      observation,
      action,
      expert_action: episode.isDemonstration ? action : null,
      is_correction: false,
    };
}

/** Changes with any value that {@link segmentRows} would give of these episodes. */
export function digestOfEpisodes(episodes: readonly SourceEpisode[], type: RobotType, site: string): string {
  const hash = createHash('sha256');
  for (const episode of episodes) {
    const { isDemonstration, frames } = episode;
    hash.update(`${canonicalize({ ...columnsOf(episode, type, site), isDemonstration })}\n`);
    for (const { atUs, observation, action } of frames)
      hash.update(Float64Array.of(atUs)).update(observation).update(action);
  }
  return hash.digest('hex');
}
