/** Frames with and without a label, by bin of the probability that it is given. */
export interface ScoreCounts {
  readonly with: Float64Array;
  readonly without: Float64Array;
}
