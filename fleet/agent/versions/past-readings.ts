import { followingFrames, type FramePorts } from './following-frames.ts';

/**
 * The readings that a model with history was asked about before, oldest first. They are of one episode: forgotten at its beginning and its end, and after a pause
 * ({@link followingFrames}). Holds `history` - 1 readings at most.
 */
export function pastReadings(ports: FramePorts, history: number) {
  const follows = followingFrames(ports);
  let kept: Float32Array[] = [];
  return {
    /** Those before these ones, [frames, o]; undefined where nobody looks back. These are kept for the next call. */
    before(observation: Float32Array): Float32Array | undefined {
      if (history === 1) return undefined;
      if (!follows()) kept = [];
      const past = new Float32Array(kept.length * observation.length);
      kept.forEach((readings, frame) => past.set(readings, frame * observation.length));
      kept = [...kept, observation.slice()].slice(1 - history);
      return past;
    },
  };
}
