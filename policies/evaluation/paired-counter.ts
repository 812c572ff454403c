import type { PairedSums } from '../gates/index.ts';

/** Collects how two policies differ, episode by episode; rows of an episode come one after the other. */
export function pairedCounter(): {
  /** Agreement (1 or 0) of the candidate and of the other on one frame. */
  frame(candidate: number, other: number): void;
  /** The episode of the frames so far is over. */
  endEpisode(): void;
  finish(): PairedSums;
} {
  const sums = {
    episodes: 0,
    frames: 0,
    onlyNewFrames: 0,
    onlyOldFrames: 0,
    squaredDifferences: 0,
    differencesTimesFrames: 0,
    squaredFrames: 0,
  };
  let [difference, frames] = [0, 0];
  return {
    frame(candidate, other) {
      frames += 1;
      difference += candidate - other;
      if (candidate > other) sums.onlyNewFrames += 1;
      if (candidate < other) sums.onlyOldFrames += 1;
    },
    endEpisode() {
      sums.episodes += 1;
      sums.frames += frames;
      sums.squaredDifferences += difference * difference;
      sums.differencesTimesFrames += difference * frames;
      sums.squaredFrames += frames * frames;
      [difference, frames] = [0, 0];
    },
    finish: () => ({ ...sums }),
  };
}
