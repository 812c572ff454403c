import { numberText } from './format.ts';

/** A vertical axis. `labels`: from `low` to `high`, evenly apart, both ends among them; so many fit below each other, and an empty one is not drawn. */
export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly labels: readonly string[];
}

/** The text of a value at an axis whose labels differ in this place behind the point; below 0: before it. */
export type AxisText = (value: number, places: number) => string;

/** Of the lowest and the highest value that there is; of none from 0 to 1. */
export interface Extent {
  readonly low: number;
  readonly high: number;
}

export function extentOf(values: Iterable<number | null>): Extent {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  return low > high ? { low: 0, high: 1 } : { low, high };
}

/** Of a span that can be divided. */
const leastSpan = 1e-300;

/** Pixels from one label of an axis to the next at least: the height of a line of text. */
export const labelHeight = 16;

/** A number at an axis, never longer than 16 characters, told apart from another one a step away. */
export const figure: AxisText = (value, places) => {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 1e9 && places <= 6) return numberText(value, Math.max(0, places));
  const digits = Math.min(9, Math.max(0, Math.floor(Math.log10(size)) + places));
  return value.toExponential(digits).replace('e+', 'e').replaceAll('-', '−');
};

interface AxisChoice {
  readonly text?: AxisText;
  /** Of counts: no label stands between two whole numbers. */
  readonly isWhole?: boolean;
}

/** An axis in which all values lie, with round numbers for labels, of a chart of so many pixels; sound for any values. */
export function axisOf(
  { low, high }: Extent,
  height: number,
  { text = figure, isWhole = false }: AxisChoice = {},
): Axis {
  // Values that are nearer to each other than numbers can say in parts of a chart are one.
  const room = high - low >= leastSpan ? 0 : Math.abs(low) < leastSpan ? 1 : Math.abs(low) / 2;
  const [least, most] = [Math.max(-Number.MAX_VALUE, low - room), Math.min(Number.MAX_VALUE, high + room)];
  const mostLabels = Math.max(2, Math.min(6, Math.floor(height / (2 * labelHeight)) + 1));
  const rounded = stepsOf(least, most, mostLabels, isWhole);
  if (rounded === null) {
    const [first, last] = [figure(least, 9), figure(most, 9)];
    return { low: least, high: most, labels: [first, first === last ? '' : last] };
  }
  const { from, to, step } = rounded;
  const places = -Math.floor(Math.log10(step) + 1e-9);
  const values = Array.from({ length: to - from + 1 }, (_, at) => Number(((from + at) * step).toPrecision(12)));
  return { low: values[0] ?? 0, high: values.at(-1) ?? 1, labels: values.map((value) => text(value, places)) };
}

/** Multiples of 1, 2 or 5 times a power of ten between which all lies; null: numbers are not fine enough for it. */
function stepsOf(
  low: number,
  high: number,
  mostLabels: number,
  isWhole: boolean,
): { readonly from: number; readonly to: number; readonly step: number } | null {
  const span = high - low;
  if (!Number.isFinite(span) || span < leastSpan || span < 1e-7 * Math.max(Math.abs(low), Math.abs(high))) return null;
  const least = Math.floor(Math.log10(span / mostLabels));
  for (let power = isWhole ? Math.max(0, least) : least; power <= least + 3; power += 1)
    for (const factor of [1, 2, 5]) {
      const step = Number(`${factor}e${power}`);
      // What a step misses by less than it can be seen is none: 0.3 is three times 0.1.
      const [from, to] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
      if (to > from && to - from < mostLabels)
        return Number.isFinite(from * step) && Number.isFinite(to * step) ? { from, to, step } : null;
    }
  return null;
}

/** Names below each other, the first at the top: place `at` of them lies at `-at`. */
export function lanesOf(names: readonly string[]): Axis & { readonly height: number } {
  const last = Math.max(1, names.length - 1);
  const apart = Math.ceil(last / mostLanes);
  const low = -apart * Math.ceil(last / apart);
  const labels = Array.from({ length: -low / apart + 1 }, (_, at) => shortName(names[-low - at * apart] ?? '', 18));
  return { low, high: 0, labels, height: Math.max(48, (labels.length - 1) * (labelHeight + 4)) };
}

/** Labels of names, less one. */
const mostLanes = 23;

/** A name of at most so many characters: of a longer one the beginning and the end. */
export function shortName(name: string, most: number): string {
  const signs = Array.from(name);
  if (signs.length <= most) return name;
  const end = Math.floor((most - 1) / 3);
  return `${signs.slice(0, most - 1 - end).join('')}…${signs.slice(signs.length - end).join('')}`;
}

/** A name at a place of a horizontal axis, from 0 to 1. */
export interface NamedPlace {
  readonly at: number;
  readonly name: string;
}
export interface PlacedName extends NamedPlace {
  /** Of the name, from 0. */
  readonly row: number;
  /** The name stands after its place, or ends before it. */
  readonly anchor: 'start' | 'end';
}

/** Charts are never narrower than so many pixels. What fits there fits in wider ones, because names stay as wide and their places move apart. */
export const narrowest = 180;
/** Of a character of a name, and from the place to the name. */
export const signWidth = 8;
export const nameGap = 4;

/** Names in rows above a chart, so that none covers another one or reaches out of the chart; long ones are shortened. */
export function placedNames(places: readonly NamedPlace[]): readonly PlacedName[] {
  const rows: [from: number, to: number][][] = [];
  return places.map(({ at: told, name: whole }) => {
    const at = Math.min(1, Math.max(0, told));
    const anchor = at > 0.5 ? 'end' : 'start';
    const room = narrowest * Math.max(at, 1 - at) - nameGap;
    const name = shortName(whole, Math.floor(room / signWidth));
    const width = nameGap + signWidth * (Array.from(name).length + 1);
    const from = at * narrowest - (anchor === 'end' ? width : 0);
    const isFree = (taken: readonly (readonly [number, number])[]): boolean =>
      taken.every(([first, last]) => from + width <= first || from >= last);
    const found = rows.findIndex(isFree);
    const row = found < 0 ? rows.length : found;
    (rows[row] ??= []).push([from, from + width]);
    return { at, name, row, anchor };
  });
}
