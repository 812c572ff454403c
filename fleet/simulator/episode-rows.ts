import { deterministicUlid } from '../../datasets/deterministic-ulid.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { SegmentRow } from '../../datasets/segment-row.ts';
import type { SimulatedEpisode } from './episodes.ts';

/** What the rows of an episode need besides the episode. */
export interface EpisodeRowsInput {
  readonly robotId: string;
  readonly robotType: RobotType;
  /** Null where no policy of the fleet drove. */
  readonly policyVersion: string | null;
  readonly startedMs: number;
  /** Whether the expert labelled the frames where the policy was wrong. */
  readonly isCorrected: boolean;
}

/** An episode as a robot would record it; for experiments without agents. */
export function episodeRows(episode: SimulatedEpisode, input: EpisodeRowsInput): readonly SegmentRow[] {
  const { robotId, robotType, startedMs } = input;
  const frameUs = (frame: number): number => startedMs * 1000 + Math.round((frame * 1e6) / robotType.rateHz);
  const columns = {
    episode_id: deterministicUlid(`${robotId}:${startedMs}`, startedMs),
    robot_id: robotId,
    robot_type: robotType.id,
    robot_type_version: robotType.version,
    site: 'rooms',
    task: robotType.tasks[0] ?? '',
    policy_version: input.policyVersion,
    started_at: frameUs(0),
    duration_ms: Math.round((episode.frames.length * 1000) / robotType.rateHz),
    outcome: episode.failure === undefined ? ('success' as const) : ('failure' as const),
    failure_reason: episode.failure ?? null,
    intervened: false,
    latency_p50_ms: null,
    latency_p95_ms: null,
    frame_count: episode.frames.length,
    media: null,
  };
  return episode.frames.map(({ readings, action, expertAction }, index) => {
    const isCorrection = input.isCorrected && action !== expertAction;
    return {
      ...columns,
      frame_index: index,
      timestamp: frameUs(index),
      observation: readings,
      action: [action],
      expert_action: isCorrection ? [expertAction] : null,
      is_correction: isCorrection,
    };
  });
}
