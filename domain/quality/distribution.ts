/** How a measure is distributed over episodes, and beyond which values an episode lies outside. */
export interface Distribution {
  /** Episodes that have a value, and those that have none. */
  readonly episodes: number;
  readonly untold: number;
  /** Empty where no episode has a value. */
  readonly quantiles: readonly { readonly fraction: number; readonly value: number }[];
  /** Ten classes of equal width from the least to the greatest value, one where all are the same. */
  readonly classes: readonly { readonly from: number; readonly to: number; readonly episodes: number }[];
  /** Values below `low` or above `high` are outliers; null where there are too few episodes to say. */
  readonly low: number | null;
  readonly high: number | null;
}

export const quantileFractions = [0.05, 0.25, 0.5, 0.75, 0.95] as const;
const classCount = 10;
/** Of the distance between the quartiles. */
const fence = 3;
/** Fewer episodes have no outliers. */
export const leastEpisodes = 20;

/** The value below which a share of sorted numbers lies, between neighbours in proportion (Hyndman & Fan 1996, type 7). */
export function quantileOf(sorted: readonly number[], fraction: number): number {
  const place = (sorted.length - 1) * fraction;
  const [below, above] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN];
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * The distribution of some values; undefined ones are counted. An outlier lies more than three times the distance between the quartiles beyond one of
 * them (Tukey, Exploratory Data Analysis, 1977, §2D: "far out"); `leastWidth` stands in where the quartiles are closer, so that a measure that is the same
 * almost everywhere has no outliers for a trifle. Time: n log n.
 */
export function distributionOf(values: readonly (number | undefined)[], leastWidth: number): Distribution {
  const sorted = values.filter((value) => value !== undefined).toSorted((a, b) => a - b);
  const untold = values.length - sorted.length;
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined)
    return { episodes: 0, untold, quantiles: [], classes: [], low: null, high: null };
  const [lower, upper] = [quantileOf(sorted, 0.25), quantileOf(sorted, 0.75)];
  const reach = fence * Math.max(upper - lower, leastWidth);
  const isEnough = sorted.length >= leastEpisodes;
  return {
    episodes: sorted.length,
    untold,
    quantiles: quantileFractions.map((fraction) => ({ fraction, value: quantileOf(sorted, fraction) })),
    classes: classesOf(sorted, least, most),
    low: isEnough ? lower - reach : null,
    high: isEnough ? upper + reach : null,
  };
}

function classesOf(sorted: readonly number[], least: number, most: number): Distribution['classes'] {
  const count = most > least ? classCount : 1;
  const width = (most - least) / count;
  const classes = Array.from({ length: count }, (_, at) => ({
    from: least + at * width,
    to: at === count - 1 ? most : least + (at + 1) * width,
    episodes: 0,
  }));
  for (const value of sorted) {
    const own = classes[width > 0 ? Math.min(count - 1, Math.floor((value - least) / width)) : 0];
    if (own !== undefined) own.episodes += 1;
  }
  return classes;
}

/** Whether a value lies outside of what is usual. */
export const isOutlier = (value: number | undefined, { low, high }: Pick<Distribution, 'low' | 'high'>): boolean =>
  value !== undefined && low !== null && high !== null && (value < low || value > high);
