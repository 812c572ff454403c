const bins = 15;

export interface CalibrationPoint {
  readonly rows: number;
  readonly probability: number;
  readonly rightFraction: number;
}

/**
 * Expected calibration error: how far the probability of the chosen action is from the share of right choices, averaged over
 * 15 equal bins of probability weighted by their size (Guo et al. 2017, "On calibration of modern neural networks", eq. 3). 0 is
 * perfect, null without rows.
 */
export function calibrationCounter(): {
  count(probability: number, isRight: boolean): void;
  finish(): number | null;
  /** Bins with rows: mean probability of the chosen action, and the share that was right. */
  curve(): readonly CalibrationPoint[];
} {
  const sums = Array.from({ length: bins }, () => ({ rows: 0, probability: 0, right: 0 }));
  return {
    count(probability, isRight) {
      const bin = sums[Math.min(bins - 1, Math.max(0, Math.floor(probability * bins)))];
      if (bin === undefined) return;
      bin.rows += 1;
      bin.probability += probability;
      bin.right += isRight ? 1 : 0;
    },
    curve: () =>
      sums.flatMap(({ rows, probability, right }) =>
        rows === 0 ? [] : [{ rows, probability: probability / rows, rightFraction: right / rows }],
      ),
    finish() {
      const rows = sums.reduce((total, bin) => total + bin.rows, 0);
      const gap = sums.reduce((total, bin) => total + Math.abs(bin.right - bin.probability), 0);
      return rows === 0 ? null : gap / rows;
    },
  };
}
