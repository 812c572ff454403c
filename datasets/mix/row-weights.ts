export interface RowWeightsInput {
  /** All rows of the set, and those among them that are corrections. */
  readonly frames: number;
  readonly corrections: number;
  /** Weight of a correction before the cap, where other rows weigh 1; > 0. */
  readonly correctionWeight: number;
  /** Largest share of the total weight that corrections may hold, 0–1. */
  readonly shareCap: number;
  /** Rows that are no corrections and of episodes whose quality is doubtful; default: none. */
  readonly doubtful?: number | undefined;
  /** Weight of a doubtful row before the cap, where other rows weigh 1, 0–1; default 0.25. */
  readonly doubtfulWeight?: number;
}

export interface RowWeights {
  /** Weights with mean 1 over the set. */
  readonly correction: number;
  readonly other: number;
  /** Undefined where nobody asked which rows are doubtful. */
  readonly doubtful: number | undefined;
  readonly correctionShareBeforeCap: number;
  readonly correctionShareAfterCap: number;
  /** Kish's effective size (Σw)²/Σw² (Kish 1965): how many equally weighted rows the set is worth. */
  readonly effectiveFrames: number;
}

/**
 * The weights of a set's rows in the loss. Corrections weigh `correctionWeight`, less where they would hold more
 * than `shareCap` of the total. A set of corrections only has nothing to be weighed against: every row weighs 1 and the
 * share stays 1. An empty set has weights 1 and shares 0. Doubtful rows weigh `doubtfulWeight`, more where that would take away more than `shareCap` of the
 * weight of all rows that are no corrections: a measure moves no more of a set than corrections do.
 *
 * rowWeights({ frames: 100, corrections: 10, correctionWeight: 10, shareCap: 0.3 }) → correction 3, other 0.778 (70/90)
 */
export function rowWeights(input: RowWeightsInput): RowWeights {
  const { frames, corrections, correctionWeight, shareCap, doubtfulWeight = 0.25 } = input;
  const doubtful = input.doubtful ?? 0;
  const plain = frames - corrections;
  const doubt = doubtful === 0 ? 1 : Math.min(1, Math.max(doubtfulWeight, 1 - (shareCap * plain) / doubtful));
  const others = plain - doubtful * (1 - doubt);
  const shareOf = (weight: number): number =>
    corrections === 0 ? 0 : (weight * corrections) / (weight * corrections + others);
  const before = shareOf(correctionWeight);
  const isCapped = before > shareCap && others > 0;
  const relative =
    others === 0 ? 1 : isCapped ? (shareCap / (1 - shareCap)) * (others / corrections) : correctionWeight;
  const total = relative * corrections + others;
  const scale = total === 0 ? 1 : frames / total;
  const weights = { correction: relative * scale, other: scale };
  const squares =
    weights.correction ** 2 * corrections + weights.other ** 2 * (plain - doubtful) + (doubt * scale) ** 2 * doubtful;
  return {
    ...weights,
    doubtful: input.doubtful === undefined ? undefined : doubt * scale,
    correctionShareBeforeCap: before,
    correctionShareAfterCap: corrections === 0 ? 0 : isCapped ? shareCap : before,
    effectiveFrames: squares === 0 ? 0 : frames ** 2 / squares,
  };
}
