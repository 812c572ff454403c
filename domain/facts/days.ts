const dayMs = 86_400_000;

/** The UTC day of an instant, `2026-11-22`. */
export const utcDay = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

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
