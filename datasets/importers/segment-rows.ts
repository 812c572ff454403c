import { createHash } from 'node:crypto';

import canonicalize from 'canonicalize';

import { deterministicUlid } from '../deterministic-ulid.ts';
import type { FrameColumns } from '../frame-columns.ts';
import type { RobotType } from '../robot-type.ts';
import type { RowRun } from '../run-recorder.ts';
import type { SourceEpisode } from './source-episode.ts';

/** What every row of an episode repeats. */
function columnsOf(episode: SourceEpisode, type: RobotType, site: string) {
  const { frames } = episode;
  const startedAt = frames.atUs[0] ?? 0;
  const lastUs = frames.atUs.at(-1) ?? startedAt;
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

const nothing = new Float32Array();

/** An episode as rows of a segment. */
export function rowRun(episode: SourceEpisode, type: RobotType, site: string): RowRun {
  const { frames, isDemonstration } = episode;
  const { atUs, observation, action } = frames.at(0) ?? { atUs: 0, observation: nothing, action: nothing };
  const first = {
    ...columnsOf(episode, type, site),
    frame_index: 0,
    timestamp: atUs,
    observation,
    action,
    expert_action: isDemonstration ? action : null,
    is_correction: false,
  };
  return { first, frames };
}

/** Changes with any value that {@link rowRun} would give of these episodes. */
export function digestOfEpisodes(episodes: readonly SourceEpisode[], type: RobotType, site: string): string {
  const hash = createHash('sha256');
  const room = new Float32Array(Math.max(0, ...episodes.map(({ frames }) => numbersOf(frames))));
  for (const episode of episodes) {
    const { isDemonstration, frames } = episode;
    hash.update(`${canonicalize({ ...columnsOf(episode, type, site), isDemonstration })}\n`);
    hash.update(bytesOf(frames, room));
  }
  return hash.digest('hex');
}

/** A time takes the room of two numbers. */
const numbersOf = ({ length, observationWidth, actionWidth }: FrameColumns): number =>
  length * (2 + observationWidth + actionWidth);

/** Times and numbers of the frames, one frame behind the other, in some room. */
function bytesOf(frames: FrameColumns, numbers: Float32Array): Uint8Array {
  const { length, atUs, observations, observationWidth, actions, actionWidth } = frames;
  const view = new DataView(numbers.buffer);
  let at = 0;
  for (let frame = 0; frame < length; frame += 1) {
    view.setFloat64(at * 4, atUs[frame] ?? 0, true);
    at += 2;
    for (let from = frame * observationWidth, end = from + observationWidth; from < end; from += 1, at += 1)
      numbers[at] = observations[from] ?? 0;
    for (let from = frame * actionWidth, end = from + actionWidth; from < end; from += 1, at += 1)
      numbers[at] = actions[from] ?? 0;
  }
  return new Uint8Array(numbers.buffer, 0, at * 4);
}
