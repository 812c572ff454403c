import type { SimulatedFailure } from '../surroundings.ts';
import { rateHz, type Pose } from './body.ts';

/** The wall counts as kept while something on the left half of the ring (US14–US24) is nearer than this. */
const keptWithinM = 1.25;
/** For so long a robot may lose it: rounding a corner takes a moment. */
const lostAfterFrames = rateHz;
/** A robot that is still so near to where it was so long ago turns on the spot or in circles. */
const stuckAfterFrames = 14 * rateHz;
const stuckWithinM = 1.4;

/** Judges an episode frame by frame: kept to the wall, moved on, hit nothing. The first thing that went wrong stays. */
export interface WallKeeping {
  watch(pose: Pose, cleanRanges: ArrayLike<number>, isCollided: boolean): SimulatedFailure | undefined;
}

export function watchWallKeeping(): WallKeeping {
  let [lostFrames, frame] = [0, 0];
  let marker: Pose | undefined;
  let markedAt = 0;
  let failure: SimulatedFailure | undefined;
  return {
    watch(pose, cleanRanges, isCollided) {
      lostFrames = nearestOnTheLeft(cleanRanges) > keptWithinM ? lostFrames + 1 : 0;
      if (marker === undefined || Math.hypot(pose.x - marker.x, pose.y - marker.y) > stuckWithinM)
        [marker, markedAt] = [pose, frame];
      failure ??= isCollided
        ? 'collision'
        : lostFrames >= lostAfterFrames
          ? 'wall-lost'
          : frame - markedAt >= stuckAfterFrames
            ? 'stuck'
            : undefined;
      frame += 1;
      return failure;
    },
  };
}

function nearestOnTheLeft(ranges: ArrayLike<number>): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (let sensor = 13; sensor < ranges.length; sensor += 1) nearest = Math.min(nearest, ranges[sensor] ?? nearest);
  return nearest;
}
