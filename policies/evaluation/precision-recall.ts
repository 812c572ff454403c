import type { ScoreCounts } from './score-counts.ts';

/** One label against all others: how much of what is called it is it, and how much of it is found, as its threshold falls. */
export interface PrecisionRecallCurve {
  readonly label: string;
  /** Mean precision, weighted by what each threshold adds to recall, 0–1; null where the label never occurs. */
  readonly averagePrecision: number | null;
  /** Frames with the label, and without: a label of few frames has low precision by chance. */
  readonly frames: number;
  readonly otherFrames: number;
  /** From the highest threshold to the lowest, in rising order of recall. */
  readonly points: readonly { readonly recall: number; readonly precision: number }[];
}

/**
 * Average precision is Σ (Rₙ − Rₙ₋₁) Pₙ over falling thresholds, without interpolation (Manning, Raghavan, Schütze 2008, "Introduction to
 * Information Retrieval", 8.4), so that it is not optimistic as an area by trapezoids is (Davis, Goadrich 2006).
 */
export function precisionRecallOf(label: string, counts: ScoreCounts): PrecisionRecallCurve {
  const [frames, otherFrames] = [counts.with, counts.without].map((values) =>
    values.reduce((sum, value) => sum + value, 0),
  );
  const sizes = { label, frames: frames ?? 0, otherFrames: otherFrames ?? 0 };
  if (sizes.frames === 0) return { ...sizes, averagePrecision: null, points: [] };
  const points: { recall: number; precision: number }[] = [];
  let [found, wrong, averagePrecision] = [0, 0, 0];
  for (let bin = counts.with.length - 1; bin >= 0; bin -= 1) {
    const [added = 0, addedWrong = 0] = [counts.with[bin], counts.without[bin]];
    if (added + addedWrong === 0) continue;
    found += added;
    wrong += addedWrong;
    const precision = found / (found + wrong);
    averagePrecision += (added / sizes.frames) * precision;
    points.push({ recall: found / sizes.frames, precision });
  }
  return { ...sizes, averagePrecision, points };
}
