import { instantsOf } from '../../domain/maintenance/local-time.ts';

const instant =
  /^(\d{4})[-/](\d\d)[-/](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/;
/** `27.11.2026 10:00:00,5`: a day before its month is told by its dots. */
const dotted = /^(\d\d?)\.(\d\d?)\.(\d{4}),?(?=[ T]|$)/;
/** `11/27/2026, 9:05 PM`: only a person, or another day, tells which of the two is the month. */
const yearLast = /^(\d\d?)[-/](\d\d?)[-/](\d{4}),?(?=[ T]|$)/;
const halfDay = /([T ])(\d\d?)(:[\d:.,]+)\s?([AaPp])\.?[Mm]\.?$/;
const minuteMs = 60_000;

/** How dates are written: `ymd` as in ISO 8601 or with dots as day.month.year; the others with the year last. */
export const dateOrders = ['ymd', 'dmy', 'mdy'] as const;
export type DateOrder = (typeof dateOrders)[number];

/**
 * The instant that a date and time in ISO 8601 says, also with slashes, by day.month.year, or by `order`, in µs since 1970 UTC; without an offset it is
 * the local time of `zone`, the earlier one of two where clocks are set back. NaN for what is no such time, or one that the clocks of the zone skip.
 *
 * instantUs('2022-10-30 02:30:00', 'Europe/Berlin') → that of 00:30 UTC, the first of two
 */
export function instantUs(text: string, zone: string, order: DateOrder = 'ymd'): number {
  const plain = text.charAt(4) === '-' && !text.endsWith('M') ? text : yearFirst(text, order);
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', offset] = instant.exec(plain) ?? [];
  if (year === undefined || month === undefined || day === undefined) return Number.NaN;
  const dayMs = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const isDay = new Date(dayMs).getUTCDate() === Number(day) && Number(month) >= 1 && Number(month) <= 12;
  if (!isDay || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return Number.NaN;
  const wallMs = dayMs + (Number(hour) * 60 + Number(minute)) * minuteMs;
  const utcMs = offset === undefined ? zonedMs(wallMs, zone) : wallMs - offsetMs(offset);
  const restUs = Number(second) * 1e6 + Math.floor(Number(fraction.padEnd(9, '0')) / 1000);
  return utcMs * 1000 + restUs;
}

/** As ISO 8601 writes it, where it is one of the other ways. */
function yearFirst(text: string, order: DateOrder): string {
  const date = (_: string, first: string, second: string, year: string): string => {
    const [day, month] = order === 'mdy' ? [second, first] : [first, second];
    return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  };
  return text
    .replace(order === 'ymd' ? dotted : yearLast, date)
    .replace(halfDay, (_, before: string, hour: string, rest: string, half: string) => {
      const of12 = Number(hour) % 12;
      const isHalf = Number(hour) >= 1 && Number(hour) <= 12;
      return isHalf ? `${before}${String(of12 + (/p/i.test(half) ? 12 : 0)).padStart(2, '0')}${rest}` : text;
    })
    .replace(/([T ])(\d:)/, '$10$2');
}

function offsetMs(offset: string): number {
  if (offset === 'Z' || offset === 'UTC' || offset === 'GMT') return 0;
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(offset) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * minuteMs;
}

/** Minutes that were asked about last; frames of a recording share theirs. */
const known = new Map<string, number>();
const mostKnown = 1_000;

function zonedMs(wallMs: number, zone: string): number {
  if (zone === 'UTC') return wallMs;
  const name = `${zone} ${wallMs}`;
  const found = known.get(name);
  if (found !== undefined) return found;
  const [day, minute] = [Math.floor(wallMs / 86_400_000), Math.floor((wallMs % 86_400_000) / minuteMs)];
  const shown = instantsOf(zone, day, minute).filter((atMs) => shows(zone, atMs, wallMs));
  const utcMs = shown.length === 0 ? Number.NaN : Math.min(...shown);
  if (known.size >= mostKnown) known.clear();
  known.set(name, utcMs);
  return utcMs;
}

function shows(zone: string, atMs: number, wallMs: number): boolean {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' }).format(atMs);
  return parts === new Date(wallMs).toISOString().slice(11, 16);
}

const perSecond = { s: 1e6, ms: 1e3, us: 1, ns: 1e-3 } as const;
export type TimeUnit = keyof typeof perSecond;

/** A number of seconds or of parts of one in µs. */
export const unitUs = (unit: TimeUnit): number => perSecond[unit];
