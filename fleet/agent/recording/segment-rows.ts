import { clipKey, clipKind } from '../../../datasets/camera.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import type { SegmentRow } from '../../../datasets/segment-row.ts';
import type { LatencyParts } from '../../protocol/index.ts';
import { shiftMs } from '../local/dating.ts';
import type { RecordOf } from './spool-record.ts';
import type { SpooledEpisode } from './spooled-episodes.ts';

/** Who recorded: the same on every row. */
export interface RecordedBy {
  readonly robotId: string;
  readonly site: string;
  readonly robotType: Pick<RobotType, 'id' | 'version'>;
}

/** Skew that the footer of a segment tells: none where its times are the gateway's, undefined where nobody knows them. */
export function skewOf({ dating, skewMs }: RecordOf<'seal'>): number | undefined {
  if (dating === undefined) return skewMs;
  return dating.kind === 'known' ? 0 : undefined;
}

/** What to add to the times of an episode, µs, so that the one skew of the segment corrects them; `latestMs` is the spool's last instant. */
export function shiftUs({ stamp, skewMs }: RecordOf<'begin'>, seal: RecordOf<'seal'>, latestMs: number): number {
  const { dating } = seal;
  if (dating !== undefined && stamp !== undefined) return Math.round(shiftMs(dating, stamp, latestMs) * 1000);
  return Math.round(((skewOf(seal) ?? 0) - (skewMs ?? seal.skewMs)) * 1000);
}

/** The rows of an episode, each of its times moved by `shift` µs; with its clips. */
export function* segmentRows(
  episode: SpooledEpisode,
  by: RecordedBy,
  shift: number,
  clips: RecordOf<'clips'>['clips'] = [],
): Generator<SegmentRow> {
  const { begin, frames, end } = episode;
  const columns = {
    episode_id: begin.episodeId,
    robot_id: by.robotId,
    robot_type: by.robotType.id,
    robot_type_version: by.robotType.version,
    site: by.site,
    task: begin.task,
    policy_version: begin.policyVersion,
    started_at: begin.startedAtUs + shift,
    duration_ms: durationMs(begin.startedAtUs, end.endedAtUs),
    outcome: end.outcome,
    failure_reason: end.reason,
    intervened: episode.isIntervened,
    ...latencies(frames),
    frame_count: frames.length,
    media: clips.length === 0 ? null : clips.map((clip) => mediaOf(clip, shift)),
  };
  for (const [index, frame] of frames.entries())
    yield {
      ...columns,
      frame_index: index,
      timestamp: frame.atUs + shift,
      observation: Float32Array.from(frame.observation),
      action: Float32Array.from(frame.action),
      expert_action: frame.expertAction === null ? null : Float32Array.from(frame.expertAction),
      is_correction: frame.expertAction !== null,
    };
}

const mediaOf = ({ camera, sha256, startedAtUs, durationMs }: RecordOf<'clips'>['clips'][number], shift: number) => ({
  sha256,
  kind: clipKind(camera),
  startedAt: Math.max(0, startedAtUs + shift),
  durationMs,
  key: clipKey(sha256),
});

/** Whole milliseconds from the first frame to the end. */
export const durationMs = (startUs: number, endUs: number): number => Math.max(0, Math.round((endUs - startUs) / 1000));

const longestMs = 3_600_000;
const median = (values: readonly number[]): number =>
  Math.min(values.toSorted((a, b) => a - b)[Math.ceil(values.length / 2) - 1] ?? 0, longestMs);

/** Medians (nearest rank) of decoding images and of the rest of the latency, over the frames that know both; undefined when none does. */
export function latencyPartsOf(frames: readonly RecordOf<'frame'>[]): LatencyParts | undefined {
  const both = frames.flatMap(({ latencyMs, decodingMs }) =>
    latencyMs === null || decodingMs === undefined ? [] : [{ latencyMs, decodingMs: Math.min(decodingMs, latencyMs) }],
  );
  if (both.length === 0) return undefined;
  return {
    decodingP50Ms: median(both.map(({ decodingMs }) => decodingMs)),
    policyP50Ms: median(both.map(({ latencyMs, decodingMs }) => latencyMs - decodingMs)),
  };
}

/** Median and 95th percentile (nearest rank) of the policy's latency over the frames that know it; null when none does. */
export function latencies(frames: readonly RecordOf<'frame'>[]): {
  readonly latency_p50_ms: number | null;
  readonly latency_p95_ms: number | null;
} {
  const sorted = frames.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs])).toSorted((a, b) => a - b);
  const rank = (fraction: number): number | null => sorted[Math.ceil(fraction * sorted.length) - 1] ?? null;
  return { latency_p50_ms: rank(0.5), latency_p95_ms: rank(0.95) };
}
