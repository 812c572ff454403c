import { cleanText } from '../../domain/clean-text.ts';
import { telemetryEntrySchema, type TelemetryEntry } from '../protocol/index.ts';
import { WireError } from './wire-error.ts';

/** Why an entry is not taken: other than the protocol says, a task that the policy does not have, not after the one before. */
export type EntryRefusal = 'malformed' | 'unknownTask' | 'order';

export interface SortedEntries {
  /** In ascending order of seq, their free texts without control characters. */
  readonly taken: readonly TelemetryEntry[];
  readonly refused: readonly EntryRefusal[];
  /** Up to which seq the robot need not send any more, what was refused included. */
  readonly lastSeq: number;
}

/**
 * Takes each entry of a batch for itself: one that is bad is refused for good and keeps no other back. `malformed` for a
 * batch whose last entry has no seq, because nothing could tell its robot where to go on.
 */
export function sortEntries(entries: readonly unknown[], tasks: ReadonlySet<string>): SortedEntries {
  const taken: TelemetryEntry[] = [];
  const refused: EntryRefusal[] = [];
  let lastSeq = -1;
  for (const given of entries) {
    const parsed = telemetryEntrySchema.safeParse(given);
    if (!parsed.success) refused.push('malformed');
    else if (parsed.data.seq <= lastSeq) refused.push('order');
    else if ('task' in parsed.data && !tasks.has(parsed.data.task)) refused.push('unknownTask');
    else taken.push(cleaned(parsed.data));
    lastSeq = Math.max(lastSeq, seqOf(given) ?? -1);
  }
  const last = seqOf(entries.at(-1));
  if (last === undefined) throw new WireError('malformed', 'expected a last entry with a seq');
  return { taken, refused, lastSeq: last };
}

function seqOf(entry: unknown): number | undefined {
  const parsed = telemetryEntrySchema.options[0].shape.seq.safeParse((entry as { seq?: unknown } | null)?.seq);
  return parsed.success ? parsed.data : undefined;
}

function cleaned(entry: TelemetryEntry): TelemetryEntry {
  if (entry.kind === 'safetyEvent') return { ...entry, event: cleanText(entry.event) };
  if (entry.kind !== 'episode' || entry.failureReason === null) return entry;
  return { ...entry, failureReason: cleanText(entry.failureReason) };
}
