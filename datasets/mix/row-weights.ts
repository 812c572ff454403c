export interface RowWeightsInput {
  /** All rows of the set, and those among them that are corrections. */
  readonly frames: number;
  readonly corrections: number;
  /** Weight of a correction before the cap, where other rows weigh 1; > 0. */
  readonly correctionWeight: number;
  /** Largest share of the total weight that corrections may hold, 0–1. */
  readonly shareCap: number;
}

export interface RowWeights {
  /** Weights with mean 1 over the set. */
  readonly correction: number;
  readonly other: number;
  readonly correctionShareBeforeCap: number;
  readonly correctionShareAfterCap: number;
  /** Kish's effective size (Σw)²/Σw² (Kish 1965): how many equally weighted rows the set is worth. */
  readonly effectiveFrames: number;
}

/**
 * The two weights of a set's rows in the loss. Corrections weigh `correctionWeight`, less where they would hold more
 * than `shareCap` of the total. A set of corrections only has nothing to be weighed against: every row weighs 1 and the
 * share stays 1. An empty set has weights 1 and shares 0.
 *
 * rowWeights({ frames: 100, corrections: 10, correctionWeight: 10, shareCap: 0.3 }) → correction 3, other 0.778 (70/90)
 */
export function rowWeights(input: RowWeightsInput): RowWeights {
  const { frames, corrections, correctionWeight, shareCap } = input;
  const others = frames - corrections;
  const shareOf = (weight: number): number =>
    corrections === 0 ? 0 : (weight * corrections) / (weight * corrections + others);
  const before = shareOf(correctionWeight);
  const isCapped = before > shareCap && others > 0;
  const relative =
    others === 0 ? 1 : isCapped ? (shareCap / (1 - shareCap)) * (others / corrections) : correctionWeight;
  const total = relative * corrections + others;
  const scale = total === 0 ? 1 : frames / total;
  const weights = { correction: relative * scale, other: scale };
  const squares = weights.correction ** 2 * corrections + weights.other ** 2 * others;
  return {
    ...weights,
    correctionShareBeforeCap: before,
    correctionShareAfterCap: corrections === 0 ? 0 : isCapped ? shareCap : before,
    effectiveFrames: squares === 0 ? 0 : frames ** 2 / squares,
  };
}
