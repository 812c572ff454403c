import type { RobotType } from '../../datasets/robot-type.ts';
import { pairedRatioCounter, type ActionError, type PairedRatioSums } from '../gates/index.ts';

const bins = 1000;
/** An answer farther off than this many ranges, or none at all, counts as so far off. */
const farthestShare = 10;

/** How far continuous actions are from their labels, of the candidate and of the others on the same frames. */
export interface ErrorOutcome {
  readonly byAction: readonly ActionError[];
  /** Mean error as a share of the range, over actions: candidate and another, by the other's name. */
  readonly paired: ReadonlyMap<string, PairedRatioSums>;
}

/** Adds up errors, frame after frame; memory is 1,000 counts an action, whatever the number of frames. */
export function errorTally(type: RobotType, names: readonly string[]) {
  const ranges = type.actions.kind === 'continuous' ? type.actions.ranges : [];
  const width = ranges.map(({ min, max }) => max - min || 1);
  const sums = new Float64Array(ranges.length);
  const histograms = ranges.map(() => new Float64Array(bins + 1));
  const paired = new Map(names.map((name) => [name, pairedRatioCounter()]));
  let frames = 0;
  const open = { frames: 0, candidate: 0, others: new Map(names.map((name) => [name, 0])) };
  const shareAt = (values: ArrayLike<number>, label: ArrayLike<number>, action: number): number => {
    const share = Math.abs((values[action] ?? Number.NaN) - (label[action] ?? Number.NaN)) / (width[action] ?? 1);
    return share <= farthestShare ? share : farthestShare;
  };
  const meanShare = (values: ArrayLike<number>, label: ArrayLike<number>): number =>
    ranges.reduce((sum, _, action) => sum + shareAt(values, label, action), 0) / ranges.length;
  return {
    /** `asked`: names of the others that answered. */
    frame(
      label: ArrayLike<number>,
      candidate: ArrayLike<number>,
      asked: readonly string[],
      other: (name: string) => ArrayLike<number>,
    ): void {
      frames += 1;
      open.frames += 1;
      for (let action = 0; action < ranges.length; action += 1) {
        const share = shareAt(candidate, label, action);
        sums[action] = (sums[action] ?? 0) + share;
        const histogram = histograms[action];
        const bin = Math.min(bins, Math.floor(share * bins));
        if (histogram !== undefined) histogram[bin] = (histogram[bin] ?? 0) + 1;
      }
      open.candidate += meanShare(candidate, label);
      for (const name of asked) open.others.set(name, (open.others.get(name) ?? 0) + meanShare(other(name), label));
    },
    endEpisode(asked: readonly string[]): void {
      for (const name of asked)
        paired.get(name)?.endEpisode(open.candidate, open.frames, open.others.get(name) ?? 0, open.frames);
      [open.frames, open.candidate] = [0, 0];
      for (const name of names) open.others.set(name, 0);
    },
    finish: (): ErrorOutcome => ({
      byAction: ranges.map(({ name, unit }, action) => {
        const meanFraction = frames === 0 ? 0 : (sums[action] ?? 0) / frames;
        const p95Fraction = quantileOf(histograms[action] ?? new Float64Array(0), 0.95 * frames);
        return {
          name,
          unit,
          mean: meanFraction * (width[action] ?? 1),
          p95: p95Fraction * (width[action] ?? 1),
          meanFraction,
        };
      }),
      paired: new Map([...paired].map(([name, counter]) => [name, counter.finish()])),
    }),
  };
}

/** Upper edge of the bin in which the count is reached, as a share of the range: at most a thousandth too high. */
function quantileOf(histogram: Float64Array, count: number): number {
  let seen = 0;
  for (const [bin, number] of histogram.entries()) {
    seen += number;
    if (seen >= count) return Math.min(bin + 1, bins) / bins;
  }
  return 1;
}
