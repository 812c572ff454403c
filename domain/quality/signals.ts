/** What an episode recorded, frame after frame: row-major, `width` numbers a frame. */
export interface Signals {
  readonly values: Float32Array;
  readonly width: number;
}

export const framesOf = ({ values, width }: Signals): number => (width === 0 ? 0 : Math.floor(values.length / width));

/** One signal of an episode by its place in a frame. */
export function signalOf({ values, width }: Signals, place: number): Float64Array {
  const signal = new Float64Array(framesOf({ values, width }));
  for (let frame = 0; frame < signal.length; frame += 1) signal[frame] = values[frame * width + place] ?? 0;
  return signal;
}

/** The middle of some numbers, the lower one of two; undefined of none. */
export function medianOf(numbers: readonly number[]): number | undefined {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}
