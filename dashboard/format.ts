import type { MetricsAnswer } from '../console/answers/metrics.ts';

/** How exactly a moment is told; `seconds` where what is told stands beside another within a minute. */
type Exactness = 'day' | 'minutes' | 'seconds';

/** Making one takes longer than using it a hundred times. */
const formats = new Map<string, Intl.DateTimeFormat>();
function dateFormat(zone: string | undefined, exactness: Exactness): Intl.DateTimeFormat {
  const key = `${zone ?? ''} ${exactness}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'medium',
    ...(exactness === 'day' ? {} : { timeStyle: exactness === 'seconds' ? 'medium' : 'short' }),
    ...(zone === undefined ? {} : { timeZone: zone }),
  });
  formats.set(key, made);
  return made;
}

/** A moment in the viewer's zone and in UTC; `zone` is for tests. */
export function momentText(atMs: number, zone?: string, exactness: 'minutes' | 'seconds' = 'minutes'): string {
  const date = new Date(atMs);
  if (Number.isNaN(date.getTime())) return 'no valid time';
  const local = dateFormat(zone, exactness).format(date);
  // Who lives by UTC is not told the same time twice.
  if (local === dateFormat('UTC', exactness).format(date)) return `${local} UTC`;
  const [localDay] = local.split(',');
  const utcDay = dateFormat('UTC', 'day').format(date);
  const utc = date.toISOString().slice(11, exactness === 'seconds' ? 19 : 16);
  return `${local} (${utcDay === localDay ? '' : `${utcDay}, `}${utc} UTC)`;
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** How long, in its largest unit: `3 min`. Never negative. */
export function spanText(ms: number): string {
  const [unit, size] = units.find(([, size]) => ms >= size) ?? ['s', 1_000];
  return `${Math.max(0, Math.floor(ms / size))} ${unit}`;
}

const numberFormats = new Map<number, Intl.NumberFormat>();
function numberFormat(places: number): Intl.NumberFormat {
  const known = numberFormats.get(places);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat('en-GB', { maximumFractionDigits: places });
  numberFormats.set(places, made);
  return made;
}

/** Enough of a digest to tell it from every other one here; `flywheel models show` has all of it. */
export const digestText = (digest: string): string => digest.slice(0, 16);

/** A number with at most so many places, and a true minus. */
export const numberText = (value: number, places = 1): string =>
  Number.isFinite(value) ? numberFormat(places).format(value).replace('-', '−') : 'not a number';

export const percentText = (fraction: number): string => `${numberText(fraction * 100)} %`;

/** A difference of fractions, in percentage points, with its sign. */
export const pointsText = (fraction: number): string => `${fraction > 0 ? '+' : ''}${numberText(fraction * 100)} pp`;

export type Metric = MetricsAnswer['groups'][number]['metrics'][number]['metric'];

/** A value in its unit. */
export function valueText(value: number, unit: string, currency: string | null): string {
  if (unit === 'fraction') return percentText(value);
  if (unit === 'ms') return `${numberText(value)} ms`;
  if (unit === 'perHour') return `${numberText(value, 2)} /h`;
  return `${numberText(value, 2)} ${currency ?? ''}`.trim();
}

/** The interval of a metric, an open end as such; null: it has none. */
export function intervalText(
  { low, high }: { readonly low: number | null; readonly high: number | null },
  unit: string,
  currency: string | null,
): string | null {
  if (low === null && high === null) return null;
  const end = (value: number | null): string => (value === null ? 'open' : valueText(value, unit, currency));
  return `${end(low)} to ${end(high)}`;
}
