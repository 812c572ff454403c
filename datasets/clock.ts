/**
 * A robot's clock may be wrong; its skew (robot clock minus gateway clock, milliseconds) is measured and travels with
 * every segment. Corrected time = recorded time - skew. Age alone never refuses anything.
 */
export const maxClockSkewMs = 24 * 60 * 60 * 1000;
/** An episode may seem to start this much after its segment was received: skew is measured to seconds, not exactly. */
export const maxStartAfterReceiptMs = 5 * 60 * 1000;

/** No robot of ours recorded before 2000-01-01 UTC: an earlier instant is a clock that was never set, or another unit. */
export const earliestInstantMs = Date.UTC(2000, 0, 1);

/**
 * A robot may have recorded this long before it was registered: on a bench, or until somebody gave it a token. What claims to be older
 * than that is a clock that was wrong, or a recording, which is imported.
 */
export const maxStartBeforeRegistrationMs = 30 * 24 * 60 * 60 * 1000;

/** Recorded microseconds to corrected microseconds. */
export const correctedUs = (recordedUs: number, clockSkewMs: number): number =>
  recordedUs - Math.round(clockSkewMs * 1000);

/** UTC day (`yyyy-mm-dd`) of an instant in microseconds: the lake's partition. Undefined beyond the years 1 to 9999. */
export function recordedOn(us: number): string | undefined {
  const date = new Date(Math.floor(us / 1000));
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10);
  return /^\d{4}-\d\d-\d\d$/.test(text) && text > '0001-01-01' ? text : undefined;
}

/** `correctedUs` as SQL over a column of microseconds and one of skew in microseconds. */
export const correctedInstantSql = (recordedUs: string, skewUs: string): string =>
  `make_timestamptz(${recordedUs} - ${skewUs})`;

/** `recordedOn` as SQL over an instant; the session's time zone must be UTC. */
export const recordedOnSql = (instant: string): string => `CAST(${instant} AS DATE)`;
