/** Wall time of a place: a day (days since 1970-01-01 by its calendar) and a minute of it, 0 to 1439. */
export interface LocalTime {
  readonly day: number;
  readonly minute: number;
  /** Local minus UTC. */
  readonly offsetMs: number;
}

export const dayMs = 86_400_000;
export const minuteMs = 60_000;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
  const format = new Intl.DateTimeFormat('en-US', {
    ...numeric,
    second: 'numeric',
    timeZone: zone,
    calendar: 'gregory',
    hourCycle: 'h23',
  });
  formats.set(zone, format);
  return format;
}

/** Whether `zone` is a name of the IANA time zone database, e.g. `Europe/Berlin`; offsets like `+02:00` know no summer time and are none. */
export function isZone(zone: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(zone)) return false;
  try {
    return formatOf(zone) instanceof Intl.DateTimeFormat;
  } catch {
    return false;
  }
}

/** Wall time of a zone at an instant from 1970 on. Throws RangeError on an unknown zone. */
export function localTime(zone: string, atMs: number): LocalTime {
  const parts = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of formatOf(zone).formatToParts(atMs)) if (type in parts) setPart(parts, type, value);
  const { year, month, day, hour, minute, second } = parts;
  const wallMs = Date.UTC(year, month - 1, day, hour, minute, second);
  return {
    day: Math.floor(wallMs / dayMs),
    minute: hour * 60 + minute,
    offsetMs: wallMs - Math.floor(atMs / 1_000) * 1_000,
  };
}

function setPart(parts: Record<string, number>, type: string, value: string): void {
  parts[type] = Number(value);
}

/**
 * Every instant at which the clocks of a zone may show this wall time: one, two where they are set back, one or two around it where they
 * skip it.
 */
export function instantsOf(zone: string, day: number, minute: number): readonly number[] {
  const wallMs = day * dayMs + minute * minuteMs;
  const offsets = [-dayMs, dayMs].map((by) => localTime(zone, wallMs + by).offsetMs);
  return [...new Set(offsets)].map((offsetMs) => wallMs - offsetMs);
}

/** The instant within (fromMs, toMs] at which the zone's offset changes, if it is another at its end; whole seconds. */
export function offsetChange(zone: string, fromMs: number, toMs: number): number | undefined {
  const { offsetMs } = localTime(zone, fromMs);
  if (localTime(zone, toMs).offsetMs === offsetMs) return undefined;
  let [before, after] = [Math.floor(fromMs / 1_000), Math.floor(toMs / 1_000)];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (localTime(zone, middle * 1_000).offsetMs === offsetMs) before = middle;
    else after = middle;
  }
  return after * 1_000;
}
