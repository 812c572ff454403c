import type { RobotType } from '../../../datasets/robot-type.ts';
import type { MonotonicClock } from '../local/times.ts';

interface PastPorts {
  readonly robotType: Pick<RobotType, 'rateHz' | 'limits'>;
  readonly monotonic: MonotonicClock;
  /** Counts beginnings and ends of episodes. */
  readonly episodeBounds?: () => number;
}

/**
 * The readings that a model with history was asked about before, oldest first. They are of one episode: forgotten at its beginning and its end, and after a pause of
 * more than the robot type's `maxFrameGapPeriods`, as training sets do. Holds `history` - 1 readings at most.
 */
export function pastReadings({ robotType, monotonic, episodeBounds }: PastPorts, history: number) {
  const gapMs = (robotType.limits.maxFrameGapPeriods * 1000) / robotType.rateHz;
  let kept: Float32Array[] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  let bounds = episodeBounds?.() ?? 0;
  return {
    /** Those before these ones, [frames, o]; undefined where nobody looks back. These are kept for the next call. */
    before(observation: Float32Array): Float32Array | undefined {
      if (history === 1) return undefined;
      const nowMs = monotonic();
      const boundsNow = episodeBounds?.() ?? 0;
      if (boundsNow !== bounds || nowMs - lastMs > gapMs) kept = [];
      [lastMs, bounds] = [nowMs, boundsNow];
      const past = new Float32Array(kept.length * observation.length);
      kept.forEach((readings, frame) => past.set(readings, frame * observation.length));
      kept = [...kept, observation.slice()].slice(1 - history);
      return past;
    },
  };
}
