import { pairedRatioCounter, type LabelFacts } from '../gates/index.ts';

/** Counts of one policy within one episode, by label. */
interface EpisodeCounts {
  readonly chosen: Float64Array;
  readonly right: Float64Array;
}

/** Recall and precision of each label, of the candidate and of another policy on the same frames; memory grows with the labels only. */
export function labelTally(labels: readonly string[]) {
  const size = labels.length;
  const counts = (): EpisodeCounts => ({ chosen: new Float64Array(size), right: new Float64Array(size) });
  const recorded = new Float64Array(size);
  const [candidate, other] = [counts(), counts()];
  const frames = new Float64Array(size);
  const foundFrames = new Float64Array(size);
  const recall = labels.map(() => pairedRatioCounter());
  const precision = labels.map(() => pairedRatioCounter());
  return {
    frame(label: number, candidateChoice: number, otherChoice: number | undefined): void {
      recorded[label] = (recorded[label] ?? 0) + 1;
      count(candidate, label, candidateChoice);
      if (otherChoice !== undefined) count(other, label, otherChoice);
    },
    endEpisode(): void {
      for (let label = 0; label < size; label += 1) {
        const [tries, hits, otherHits] = [recorded[label] ?? 0, candidate.right[label] ?? 0, other.right[label] ?? 0];
        frames[label] = (frames[label] ?? 0) + tries;
        foundFrames[label] = (foundFrames[label] ?? 0) + hits;
        recall[label]?.endEpisode(hits, tries, otherHits, tries);
        precision[label]?.endEpisode(hits, candidate.chosen[label] ?? 0, otherHits, other.chosen[label] ?? 0);
      }
      for (const values of [recorded, candidate.chosen, candidate.right, other.chosen, other.right]) values.fill(0);
    },
    /** `isCompared`: false leaves the other policy out. */
    finish: (isCompared: boolean): readonly LabelFacts[] =>
      labels.map((label, index) => {
        const counted = { label, frames: frames[index] ?? 0, foundFrames: foundFrames[index] ?? 0 };
        const [found, right] = [recall[index]?.finish(), precision[index]?.finish()];
        return isCompared && found !== undefined && right !== undefined
          ? { ...counted, recall: found, precision: right }
          : counted;
      }),
  };
}

function count({ chosen, right }: EpisodeCounts, label: number, choice: number): void {
  chosen[choice] = (chosen[choice] ?? 0) + 1;
  if (choice === label) right[label] = (right[label] ?? 0) + 1;
}
