const dayMs = 86_400_000;

/** The UTC day of an instant, `2026-11-22`. */
export const utcDay = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/** UTC days `[from, to)` of one week, Monday to Monday. */
export interface Week {
  readonly from: string;
  readonly to: string;
}

/**
 * The last `count` weeks up to the one of the instant `atMs`, oldest first; weeks begin on Mondays, UTC (ISO 8601).
 *
 * weeksUntil(Date.UTC(2026, 10, 27), 1) → [{ from: '2026-11-23', to: '2026-11-30' }]
 */
export function weeksUntil(atMs: number, count: number): readonly Week[] {
  const day = Math.floor(atMs / dayMs);
  // Day 0 was a Thursday.
  const monday = day - ((((day + 3) % 7) + 7) % 7);
  return Array.from({ length: count }, (_, index) => {
    const start = monday - 7 * (count - 1 - index);
    return { from: utcDay(start * dayMs), to: utcDay((start + 7) * dayMs) };
  });
}

/** A piece of a span, half-open. */
export interface Piece {
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * Cuts `[startMs, endMs)` at every midnight UTC and at the instants of `cuts`, whatever their order; nothing for an empty span. The
 * pieces add up to the span.
 *
 * cutSpan(-10, 10) → [{ startMs: -10, endMs: 0 }, { startMs: 0, endMs: 10 }]
 */
export function cutSpan(startMs: number, endMs: number, cuts: readonly number[] = []): readonly Piece[] {
  const pieces: Piece[] = [];
  for (let at = startMs; at < endMs;) {
    const midnight = (Math.floor(at / dayMs) + 1) * dayMs;
    const next = cuts.reduce((first, cut) => (cut > at ? Math.min(first, cut) : first), Math.min(midnight, endMs));
    pieces.push({ startMs: at, endMs: next });
    at = next;
  }
  return pieces;
}
