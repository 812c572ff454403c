import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import {
  describeWindows,
  isOpen,
  readWindows,
  weekdays,
  windowsNow,
  type UpdateWindows,
} from '../../../domain/maintenance/index.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const at = (text: string): number => Date.parse(text);
const nowMs = at('2026-11-26T12:00:00Z');
const read = (more: Partial<Parameters<typeof readWindows>[0]> = {}): UpdateWindows =>
  readWindows({ zone: 'Europe/Berlin', days: 'mon-fri', from: '22:00', to: '05:00', ...more }, nowMs);
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString().slice(0, 16));

/** Wall time by another way than the code's: `sv-SE` writes ISO dates. */
const formats = new Map<string, Intl.DateTimeFormat>();
function wall(zone: string, ms: number): { date: string; weekday: string; time: string } {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short', hourCycle: 'h23' });
  formats.set(zone, format);
  const [date = '', time = ''] = format.format(ms).split(' ');
  const weekday = weekdays[(new Date(`${date}T00:00Z`).getUTCDay() + 6) % 7] ?? '';
  return { date, weekday, time };
}

/** Whether an instant lies in a window, from the text on the wall. */
function liesInWindow({ zone, days, from, to, blackout }: UpdateWindows, ms: number): boolean {
  const text = (minute: number) =>
    `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  const here = wall(zone, ms);
  if (blackout.includes(here.date)) return false;
  const before = new Date(at(`${here.date}T12:00Z`) - dayMs).toISOString().slice(0, 10);
  const begins = (date: string) =>
    !blackout.includes(date) && days.some((day) => day === weekdays[(new Date(date).getUTCDay() + 6) % 7]);
  if (from < to) return begins(here.date) && here.time >= text(from) && here.time < text(to);
  return (begins(here.date) && here.time >= text(from)) || (begins(before) && here.time < text(to));
}

describe('update windows of a site', () => {
  it('are read as people write them', () => {
    assert.deepEqual(read({ days: 'fri-mon,wed', blackout: '2026-12-31..2027-01-01, 2026-12-24' }), {
      zone: 'Europe/Berlin',
      days: ['mon', 'wed', 'fri', 'sat', 'sun'],
      from: 22 * 60,
      to: 5 * 60,
      blackout: ['2026-12-24', '2026-12-31', '2027-01-01'],
    });
    assert.equal(
      describeWindows(read({ days: 'daily', blackout: '2026-12-24' })),
      'daily 22:00 to 05:00, Europe/Berlin, not on 2026-12-24',
    );
    assert.match(
      describeWindows(read({ blackout: '2026-12-24..2026-12-26,2026-12-31' })),
      /not on 2026-12-24\.\.2026-12-26, 2026-12-31$/,
    );
    assert.equal(read({ from: '00:00', to: '24:00' }).to, 1440);
  });

  for (const [what, wrong, expected] of [
    ['zone', { zone: 'Europe/Atlantis' }, /zone: expected .* like Europe\/Berlin, got Europe\/Atlantis/],
    ['offset for a zone', { zone: '+02:00' }, /zone: expected .*, got \+02:00/],
    ['empty zone', { zone: '' }, /zone: expected .*, got nothing/],
    ['weekday', { days: 'mon-fry' }, /days: expected days like mon-fri.*, got mon-fry/],
    ['range of ranges', { days: 'mon-wed-fri' }, /days: expected/],
    ['time', { from: '25:00' }, /from: expected a time of day like 22:00, got 25:00/],
    ['end', { to: '24:01' }, /to: expected a time of day like 22:00, got 24:01/],
    ['window of no length', { to: '22:00' }, /two different times .*, got 22:00 to 22:00/],
    ['date', { blackout: '2026-02-30' }, /blackout: expected .* dates like 2026-12-24.*, got 2026-02-30/],
    ['range backwards', { blackout: '2026-12-26..2026-12-24' }, /blackout: expected/],
    ['endless range', { blackout: '2026-01-01..9999-01-01' }, /blackout: expected at most 366 dates/],
    [
      'closed month',
      { blackout: '2026-12-01..2026-12-31' },
      /one that opens every 21 days at least, got none from 2026-11-30/,
    ],
  ] as const)
    it(`refuse a wrong ${what} in a sentence`, () => {
      assert.throws(() => read(wrong), expected);
    });

  it('over midnight belong to the day on which they begin', () => {
    const windows = read();
    // 2026-11-27 is a Friday; Berlin is an hour ahead.
    assert.equal(isOpen(windows, at('2026-11-28T03:59Z')), true);
    assert.equal(isOpen(windows, at('2026-11-28T04:00Z')), false);
    assert.equal(isOpen(windows, at('2026-11-28T22:00Z')), false);
    const { opensMs, closesMs } = windowsNow(windows, at('2026-11-28T12:00Z'));
    assert.deepEqual([iso(opensMs), iso(closesMs)], ['2026-11-30T21:00', '2026-12-01T04:00']);
  });

  it('are closed on a blackout date, and when they begin on one', () => {
    const windows = read({ blackout: '2026-12-24' });
    const { opensMs, closesMs } = windowsNow(windows, at('2026-12-23T21:30Z'));
    assert.deepEqual([iso(opensMs), iso(closesMs)], ['2026-12-23T21:30', '2026-12-23T23:00']);
    assert.equal(iso(windowsNow(windows, at('2026-12-24T00:00Z')).opensMs), '2026-12-25T21:00');
  });

  for (const [name, zone, from, to, after, opens, closes] of [
    [
      'an hour that is skipped',
      'Europe/Berlin',
      '02:30',
      '04:00',
      '2026-03-29T00:30Z',
      '2026-03-29T01:00',
      '2026-03-29T02:00',
    ],
    [
      'a window that is skipped whole',
      'Europe/Berlin',
      '02:10',
      '02:50',
      '2026-03-29T00:30Z',
      '2026-03-30T00:10',
      '2026-03-30T00:50',
    ],
    [
      'an hour that comes twice',
      'America/New_York',
      '01:00',
      '01:30',
      '2026-11-01T05:29Z',
      '2026-11-01T05:29',
      '2026-11-01T05:30',
    ],
    [
      'its second time',
      'America/New_York',
      '01:00',
      '01:30',
      '2026-11-01T05:30Z',
      '2026-11-01T06:00',
      '2026-11-01T06:30',
    ],
    [
      'half an hour of Lord Howe',
      'Australia/Lord_Howe',
      '01:45',
      '02:15',
      '2026-04-04T12:00Z',
      '2026-04-04T14:45',
      '2026-04-04T15:00',
    ],
  ] as const)
    it(`know ${name}`, () => {
      const now = windowsNow(read({ zone, days: 'daily', from, to }), at(after));
      assert.deepEqual([iso(now.opensMs), iso(now.closesMs)], [opens, closes]);
    });

  it('find the first opening in the night in which the clocks are set', () => {
    const windows = read({ zone: 'America/New_York', days: 'sun', from: '00:00', to: '01:01' });
    const { opensMs, closesMs } = windowsNow(windows, at('2026-10-31T03:59Z'));
    assert.deepEqual([iso(opensMs), iso(closesMs)], ['2026-11-01T04:00', '2026-11-01T05:01']);
    assert.equal(iso(windowsNow(windows, at('2026-11-01T05:01Z')).opensMs), '2026-11-01T06:00');
  });

  const clock = fc.integer({ min: 0, max: 1439 });
  const windowsOf = fc
    .record({
      zone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC'),
      days: fc.subarray([...weekdays], { minLength: 1 }),
      from: clock,
      to: clock,
      blackout: fc.uniqueArray(fc.integer({ min: -3, max: 3 }), { maxLength: 3 }),
    })
    .filter(({ from, to }) => from !== to);
  /** Days on which some of the zones set their clocks, and others. */
  const moments = fc
    .tuple(
      fc.constantFrom('2026-03-08', '2026-03-29', '2026-04-04', '2026-10-03', '2026-10-25', '2026-11-01', '2026-07-15'),
      fc.integer({ min: -2 * 1440, max: 2 * 1440 }),
    )
    .map(([date, minutes]) => ({ date, ms: at(`${date}T00:00Z`) + minutes * minuteMs }));
  const placed = fc.tuple(windowsOf, moments).map(([windows, { date, ms }]) => {
    const blackout = windows.blackout
      .toSorted((left, right) => left - right)
      .map((by) => new Date(at(`${date}T00:00Z`) + by * dayMs).toISOString().slice(0, 10));
    return { windows: { ...windows, blackout }, ms };
  });

  it('are open exactly where the wall clock says so', () => {
    fc.assert(
      fc.property(placed, ({ windows, ms }) => {
        assert.equal(isOpen(windows, ms), liesInWindow(windows, ms));
      }),
      { numRuns: 1_000 },
    );
  });

  it('open next at an instant that is open, and nothing is before it; the same of closing', () => {
    fc.assert(
      fc.property(placed, ({ windows, ms }) => {
        const { opensMs, closesMs, isOpen: isNow } = windowsNow(windows, ms);
        assert.ok(opensMs !== null && closesMs !== null);
        assert.equal(isNow, opensMs === ms);
        assert.ok(liesInWindow(windows, opensMs));
        assert.ok(!liesInWindow(windows, closesMs));
        const step = Math.max(1, Math.floor((opensMs - ms) / 300 / minuteMs)) * minuteMs;
        for (let before = ms; before < opensMs; before += step) assert.ok(!liesInWindow(windows, before));
        if (opensMs > ms) assert.ok(!liesInWindow(windows, opensMs - minuteMs));
        for (let within = opensMs; within < closesMs; within += 7 * minuteMs) assert.ok(liesInWindow(windows, within));
        assert.ok(liesInWindow(windows, closesMs - minuteMs));
      }),
      { numRuns: 150 },
    );
  });
});
