import { dayMs, instantsOf, isZone, localTime, offsetChange } from './local-time.ts';

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

/** When robots of a site may take another version that can wait; all by the clocks on its walls. */
export interface UpdateWindows {
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly zone: string;
  /** Days on which a window begins; in order of the week, each once. */
  readonly days: readonly Weekday[];
  /** Minutes of the day, `from` 0 to 1439, `to` 1 to 1440; a window with `to` before `from` ends on the next day. */
  readonly from: number;
  readonly to: number;
  /** `2026-12-24`: nothing is open on such a day, and no window that begins on it. Sorted, each once. */
  readonly blackout: readonly string[];
}

/** What is so of the windows of a site at an instant. */
export interface WindowsNow {
  readonly isOpen: boolean;
  /** The next opening; the instant itself while a window is open; null when none opens within {@link horizonDays}. */
  readonly opensMs: number | null;
  /** When what is open, or opens next, closes again; null when nothing does within {@link horizonDays}. */
  readonly closesMs: number | null;
}

/** How far openings are looked for. */
export const horizonDays = 400;
/** An update must not wait longer: what is set must open as often. */
export const longestClosedDays = 21;

const mostBlackouts = 366;

/** Whether the windows are open: by the wall clock, so that an hour that comes twice is open twice and one that is skipped is not there. */
export function isOpen(windows: UpdateWindows, atMs: number): boolean {
  return isOpenAt(windows, new Set(windows.blackout.map(dayOf)), atMs);
}

/** Open or closed, and when that changes. */
export function windowsNow(windows: UpdateWindows, atMs: number): WindowsNow {
  const opensMs = isOpen(windows, atMs) ? atMs : nextChange(windows, atMs, true);
  const closesMs = opensMs === null ? null : nextChange(windows, opensMs, false);
  return { isOpen: opensMs === atMs, opensMs, closesMs };
}

function isOpenAt({ zone, days, from, to }: UpdateWindows, blackout: ReadonlySet<number>, atMs: number): boolean {
  const { day, minute } = localTime(zone, atMs);
  if (blackout.has(day)) return false;
  const begins = (on: number): boolean => days.includes(weekdayOf(on)) && !blackout.has(on);
  if (from < to) return minute >= from && minute < to && begins(day);
  return (minute >= from && begins(day)) || (minute < to && begins(day - 1));
}

/**
 * The first instant after `atMs` at which the windows are open (or closed). They can change only where a window begins or ends, at a
 * midnight, and where the clocks are set: these instants are tried, day by day.
 */
function nextChange(windows: UpdateWindows, atMs: number, wanted: boolean): number | null {
  const blackout = new Set(windows.blackout.map(dayOf));
  const first = localTime(windows.zone, atMs).day;
  let coming = candidates(windows, first);
  for (let day = first; day <= first + horizonDays; day += 1) {
    const following = candidates(windows, day + 1);
    // Where the clocks are set, instants of a day and of the next one are not in order; beyond both, others may be missing.
    const limitMs = Math.min(...instantsOf(windows.zone, day + 2, 0));
    const changes = [...coming, ...following].filter(
      (at) => at > atMs && at < limitMs && isOpenAt(windows, blackout, at) === wanted,
    );
    if (changes.length > 0) return Math.min(...changes);
    coming = following;
  }
  return null;
}

/** The instants of a local day, and a little more, at which windows may open or close. */
function candidates({ zone, from, to }: UpdateWindows, day: number): readonly number[] {
  const [midnight = 0] = instantsOf(zone, day, 0);
  // A day and the error of its midnight are at most 26 h.
  const change = offsetChange(zone, midnight - 3_600_000, midnight + dayMs + 2 * 3_600_000);
  const ofDay = [0, from, to].flatMap((minute) => instantsOf(zone, day, minute));
  return change === undefined ? ofDay : [...ofDay, change];
}

const weekdayOf = (day: number): Weekday => weekdays[(((day + 3) % 7) + 7) % 7] ?? 'mon';
const dayOf = (date: string): number => Math.floor(Date.parse(`${date}T00:00:00Z`) / dayMs);

/** What a person writes. */
export interface WindowsText {
  readonly zone: string;
  /** `mon-fri`, `sat,sun`, `fri-mon`, `daily`. */
  readonly days: string;
  /** `22:00`; `to` may be `24:00`. */
  readonly from: string;
  readonly to: string;
  /** `2026-12-24,2026-12-25`, or ranges: `2026-12-24..2026-12-26`. */
  readonly blackout?: string | undefined;
}

/**
 * Reads what a person wrote, and holds it against what robots may wait. Throws RangeError in a sentence: what was expected and what was
 * got. `nowMs` is where the look at closed times begins.
 */
export function readWindows({ zone, days, from, to, blackout = '' }: WindowsText, nowMs: number): UpdateWindows {
  if (!isZone(zone)) refuse('zone', 'a name of the IANA time zone database like Europe/Berlin', zone);
  const windows = {
    zone,
    days: readDays(days),
    from: readMinute('from', from, 23 * 60 + 59),
    to: readMinute('to', to, 24 * 60),
    blackout: readDates(blackout),
  };
  if (windows.from === windows.to)
    refuse('from and to', 'two different times (a whole day is 00:00 to 24:00)', `${from} to ${to}`);
  if (windows.to === 0) return checked({ ...windows, to: 24 * 60 }, nowMs);
  return checked(windows, nowMs);
}

/** Throws RangeError where the windows stay closed longer than robots are to wait. */
function checked(windows: UpdateWindows, nowMs: number): UpdateWindows {
  const endMs = nowMs + horizonDays * dayMs;
  for (let atMs = nowMs; atMs < endMs;) {
    const { opensMs, closesMs } = windowsNow(windows, atMs);
    if ((opensMs ?? endMs) - atMs > longestClosedDays * dayMs)
      refuse(
        'windows',
        `one that opens every ${longestClosedDays} days at least`,
        `none from ${new Date(atMs).toISOString()} to ${opensMs === null ? 'the end of the year' : new Date(opensMs).toISOString()}`,
      );
    atMs = closesMs ?? endMs;
  }
  return windows;
}

function readDays(text: string): readonly Weekday[] {
  if (text === 'daily') return weekdays;
  const indexOf = (name: string): number => {
    const index = weekdays.findIndex((each) => each === name.trim().toLowerCase());
    return index >= 0 ? index : refuse('days', 'days like mon-fri, sat,sun or daily', text);
  };
  const chosen = new Set<number>();
  for (const part of text.split(',')) {
    const [first = '', last = first, ...more] = part.split('-');
    if (more.length > 0) refuse('days', 'days like mon-fri, sat,sun or daily', text);
    const length = (indexOf(last) - indexOf(first) + 7) % 7;
    for (let step = 0; step <= length; step += 1) chosen.add((indexOf(first) + step) % 7);
  }
  return weekdays.filter((_, index) => chosen.has(index));
}

function readMinute(name: string, text: string, most: number): number {
  const [, hours, minutes] = /^(\d{2}):([0-5]\d)$/.exec(text) ?? [];
  const minute = Number(hours) * 60 + Number(minutes);
  return minute <= most ? minute : refuse(name, 'a time of day like 22:00', text);
}

function readDates(text: string): readonly string[] {
  const days = new Set<number>();
  const expected = `at most ${mostBlackouts} dates like 2026-12-24 or 2026-12-24..2026-12-26`;
  for (const part of text.split(',').filter((each) => each.trim() !== '')) {
    const [first = '', last = first, ...more] = part.trim().split('..');
    const [begin, end] = [readDate(first), readDate(last)];
    if (begin === undefined || end === undefined || end < begin || more.length > 0) refuse('blackout', expected, part);
    if (end - begin + days.size >= mostBlackouts) refuse('blackout', expected, `more with ${part.trim()}`);
    for (let day = begin; day <= end; day += 1) days.add(day);
  }
  return [...days].toSorted((left, right) => left - right).map(dateOf);
}

function readDate(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const day = dayOf(text);
  return Number.isNaN(day) || dateOf(day) !== text ? undefined : day;
}

const dateOf = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10);

function refuse(what: string, expected: string, got: string): never {
  throw new RangeError(`${what}: expected ${expected}, got ${got.trim() === '' ? 'nothing' : got.slice(0, 80)}`);
}

const time = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

/** Sorted dates with neighbours put together: `2026-12-24..2026-12-26`. */
function rangesOf(dates: readonly string[]): readonly string[] {
  const ranges: { first: number; last: number }[] = [];
  for (const day of dates.map(dayOf)) {
    const open = ranges.at(-1);
    if (open?.last === day - 1) open.last = day;
    else ranges.push({ first: day, last: day });
  }
  return ranges.map(({ first, last }) => (first === last ? dateOf(first) : `${dateOf(first)}..${dateOf(last)}`));
}

/** `mon,tue 22:00 to 05:00, Europe/Berlin, not on 2026-12-24`. */
export function describeWindows({ zone, days, from, to, blackout }: UpdateWindows): string {
  const named = days.length === 7 ? 'daily' : days.join(',');
  const without = blackout.length === 0 ? '' : `, not on ${rangesOf(blackout).join(', ')}`;
  return `${named} ${time(from)} to ${time(to)}, ${zone}${without}`;
}
