/** A record of a robot's life as far as service goes; ascending in `atMs`. */
export interface ServiceRecord {
  readonly atMs: number;
  /** Registered, with a token, not retired. */
  readonly isInService: boolean;
}

/**
 * How long a robot was in service in `[startMs, endMs)` under each of its records: from a record to the next one. Before the first
 * record it was nowhere. O(n).
 */
export function serviceSpans<Entry extends ServiceRecord>(
  life: readonly Entry[],
  startMs: number,
  endMs: number,
): readonly { readonly record: Entry; readonly ms: number }[] {
  return life.flatMap((record, index) => {
    const untilMs = Math.min(life[index + 1]?.atMs ?? endMs, endMs);
    const ms = untilMs - Math.max(record.atMs, startMs);
    return record.isInService && ms > 0 ? [{ record, ms }] : [];
  });
}
