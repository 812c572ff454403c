/** What one way to train gave on one set, mean over seeds. */
export interface SetResult {
  readonly set: string;
  /** Agreement for discrete actions, minus the loss for continuous ones: larger is better. */
  readonly score: number;
  readonly agreementFraction: number;
  readonly loss: number;
  readonly seconds: number;
}

export interface CandidateResult {
  readonly name: string;
  readonly sets: readonly SetResult[];
}

export interface RankedCandidate extends CandidateResult {
  /** 1 is the best on every set; ties share the mean of their places. */
  readonly meanRank: number;
  readonly seconds: number;
  /** Slower than the bound: cannot become the default. */
  readonly isTooSlow: boolean;
}

/** A default may take so many times the processor time of the first candidate. */
export const timeBound = 3;

/**
 * The rule by which defaults are chosen: the least mean rank over the sets among those within the time bound, ties by less time.
 * The best is the first that is not too slow; the first candidate given is the reference for time and never too slow.
 */
export function rankCandidates(candidates: readonly CandidateResult[]): readonly RankedCandidate[] {
  const secondsOf = ({ sets }: CandidateResult): number => sets.reduce((sum, { seconds }) => sum + seconds, 0);
  const allowed = timeBound * (candidates[0] === undefined ? 0 : secondsOf(candidates[0]));
  return candidates
    .map((candidate) => {
      const ranks = candidate.sets.map(({ score }, index) => {
        const others = candidates.map(({ sets }) => sets[index]?.score ?? Number.NEGATIVE_INFINITY);
        const better = others.filter((other) => other > score).length;
        return better + (others.filter((other) => other === score).length + 1) / 2;
      });
      const seconds = secondsOf(candidate);
      const meanRank = ranks.reduce((sum, rank) => sum + rank, 0) / ranks.length;
      return { ...candidate, meanRank, seconds, isTooSlow: seconds > allowed };
    })
    .toSorted((a, b) => Number(a.isTooSlow) - Number(b.isTooSlow) || a.meanRank - b.meanRank || a.seconds - b.seconds);
}
