import type { RobotType } from '../../../datasets/robot-type.ts';
import type { MonotonicClock } from '../local/times.ts';

export interface FramePorts {
  readonly robotType: Pick<RobotType, 'rateHz' | 'limits'>;
  readonly monotonic: MonotonicClock;
  /** Counts beginnings and ends of episodes. */
  readonly episodeBounds?: () => number;
}

/**
 * Whether the frame that is asked about now follows the one that was asked about last: in the same episode, and after no pause of more than the robot type's
 * `maxFrameGapPeriods`, as in training sets.
 */
export function followingFrames({ robotType, monotonic, episodeBounds }: FramePorts): () => boolean {
  const gapMs = (robotType.limits.maxFrameGapPeriods * 1000) / robotType.rateHz;
  let lastMs = Number.NEGATIVE_INFINITY;
  let bounds = episodeBounds?.() ?? 0;
  return () => {
    const [nowMs, boundsNow] = [monotonic(), episodeBounds?.() ?? 0];
    const follows = boundsNow === bounds && nowMs - lastMs <= gapMs;
    [lastMs, bounds] = [nowMs, boundsNow];
    return follows;
  };
}
