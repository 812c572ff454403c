import type { ScoreCounts } from './score-counts.ts';
import { precisionRecallOf, type PrecisionRecallCurve } from './precision-recall.ts';

const bins = 100;

/** One action against all others: how often it is found, and how often it is seen where it is not, as its threshold falls. */
export interface RocCurve {
  readonly label: string;
  /** Area under the curve, 0–1; null where the label, or anything else, never occurs. */
  readonly area: number | null;
  /** Frames with the label, and without. */
  readonly frames: number;
  readonly otherFrames: number;
  /** From the highest threshold to the lowest; shares of the frames without and with the label. */
  readonly points: readonly { readonly falseFraction: number; readonly trueFraction: number }[];
}

/** Receiver operating characteristic of each label from its probability in 100 equal bins; memory grows with the labels only. */
export function rocCounter(labels: readonly string[]): {
  frame(label: number, probabilities: ArrayLike<number>): void;
  finish(): readonly RocCurve[];
  /** Precision over recall of each label, from the same counts. */
  precisionRecall(): readonly PrecisionRecallCurve[];
} {
  const counts = labels.map((): ScoreCounts => ({ with: new Float64Array(bins), without: new Float64Array(bins) }));
  return {
    frame(label, probabilities) {
      counts.forEach((count, index) => {
        const bin = Math.min(bins - 1, Math.max(0, Math.floor((probabilities[index] ?? 0) * bins)));
        const counted = index === label ? count.with : count.without;
        counted[bin] = (counted[bin] ?? 0) + 1;
      });
    },
    finish: () => counts.map((count, index) => curveOf(labels[index] ?? '', count)),
    precisionRecall: () => counts.map((count, index) => precisionRecallOf(labels[index] ?? '', count)),
  };
}

function curveOf(label: string, count: ScoreCounts): RocCurve {
  const [positives, negatives] = [total(count.with), total(count.without)];
  const sizes = { frames: positives, otherFrames: negatives };
  if (positives === 0 || negatives === 0) return { label, area: null, ...sizes, points: [] };
  const points = [{ falseFraction: 0, trueFraction: 0 }];
  let [found, wrong, area] = [0, 0, 0];
  for (let bin = bins - 1; bin >= 0; bin -= 1) {
    const before = { falseFraction: wrong / negatives, trueFraction: found / positives };
    found += count.with[bin] ?? 0;
    wrong += count.without[bin] ?? 0;
    const point = { falseFraction: wrong / negatives, trueFraction: found / positives };
    area += ((point.falseFraction - before.falseFraction) * (point.trueFraction + before.trueFraction)) / 2;
    if (point.falseFraction !== before.falseFraction || point.trueFraction !== before.trueFraction) points.push(point);
  }
  return { label, area, ...sizes, points };
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
