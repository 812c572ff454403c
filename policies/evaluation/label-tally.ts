import { pairedRatioCounter, type LabelFacts } from '../gates/index.ts';

/** Counts of one policy within one episode, by label. */
interface EpisodeCounts {
  readonly chosen: Float64Array;
  /** Of those, the ones on frames that at least one of both answers rightly. */
  readonly contested: Float64Array;
  readonly right: Float64Array;
}

/** Recall and precision of each label, of the candidate and of another policy on the same frames; memory grows with the labels only. */
export function labelTally(labels: readonly string[]) {
  const size = labels.length;
  const counts = (): EpisodeCounts => ({
    chosen: new Float64Array(size),
    contested: new Float64Array(size),
    right: new Float64Array(size),
  });
  const recorded = new Float64Array(size);
  const [candidate, other] = [counts(), counts()];
  const frames = new Float64Array(size);
  const foundFrames = new Float64Array(size);
  const recall = labels.map(() => pairedRatioCounter());
  const precision = labels.map(() => pairedRatioCounter());
  const contestedPrecision = labels.map(() => pairedRatioCounter());
  return {
    frame(label: number, candidateChoice: number, otherChoice: number | undefined): void {
      recorded[label] = (recorded[label] ?? 0) + 1;
      const isContested = candidateChoice === label || otherChoice === label;
      count(candidate, { label, choice: candidateChoice, isContested });
      if (otherChoice !== undefined) count(other, { label, choice: otherChoice, isContested });
    },
    /** `isCompared`: false for an episode that the other policy was not asked about. */
    endEpisode(isCompared = true): void {
      for (let label = 0; label < size; label += 1) {
        const [tries, hits, otherHits] = [recorded[label] ?? 0, candidate.right[label] ?? 0, other.right[label] ?? 0];
        frames[label] = (frames[label] ?? 0) + tries;
        foundFrames[label] = (foundFrames[label] ?? 0) + hits;
        if (!isCompared) continue;
        recall[label]?.endEpisode(hits, tries, otherHits, tries);
        for (const [counter, among] of [
          [precision, 'chosen'],
          [contestedPrecision, 'contested'],
        ] as const)
          counter[label]?.endEpisode(hits, candidate[among][label] ?? 0, otherHits, other[among][label] ?? 0);
      }
      recorded.fill(0);
      for (const counted of [candidate, other]) for (const values of Object.values(counted)) values.fill(0);
    },
    /** `isCompared`: false leaves the other policy out. */
    finish: (isCompared: boolean): readonly LabelFacts[] =>
      labels.map((label, index) => {
        const counted = { label, frames: frames[index] ?? 0, foundFrames: foundFrames[index] ?? 0 };
        const sums = [recall, precision, contestedPrecision].map((counters) => counters[index]?.finish());
        const [found, right, contested] = sums;
        return isCompared && found !== undefined && right !== undefined && contested !== undefined
          ? { ...counted, recall: found, precision: right, contestedPrecision: contested }
          : counted;
      }),
  };
}

function count(
  { chosen, contested, right }: EpisodeCounts,
  { label, choice, isContested }: { readonly label: number; readonly choice: number; readonly isContested: boolean },
): void {
  chosen[choice] = (chosen[choice] ?? 0) + 1;
  if (isContested) contested[choice] = (contested[choice] ?? 0) + 1;
  if (choice === label) right[label] = (right[label] ?? 0) + 1;
}
