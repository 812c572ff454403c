import { z } from 'zod';

import { incidentCauses, noticeCauses } from '../../domain/monitoring/causes.ts';
import type { IncidentEvent } from '../../domain/monitoring/index.ts';
import { readLog, readLogNewestFirst, writeLogEntry, type LogEntry } from '../../store/append-log.ts';
import type { OnDamage } from '../../store/damaged-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';

const eventSchema = z.strictObject({
  incidentId: z.string(),
  cause: z.enum([...incidentCauses, ...noticeCauses]),
  subject: z.string(),
  state: z.enum(['opened', 'closed', 'acknowledged', 'noticed']),
  atMs: z.int(),
  reason: z.string(),
  who: z.string().optional(),
}) as z.ZodType<IncidentEvent>;

/** One look of the monitor in which something changed: `incidents/<policy>/<seq>.json`. */
export const incidentRecordSchema = z.strictObject({
  /** Names the look; appending it again finds it. */
  lookId: z.string(),
  events: z.array(eventSchema).min(1),
});
export type IncidentRecord = z.infer<typeof incidentRecordSchema>;

const prefixOf = (policy: string): string => `incidents/${policy}`;

/** Records after `after`, oldest first; all without it. */
export const readIncidents = (
  store: ObjectStore,
  policy: string,
  after?: number,
): Promise<readonly LogEntry<IncidentRecord>[]> =>
  readLog(store, prefixOf(policy), incidentRecordSchema, after === -1 ? undefined : after);

/**
 * The last `limit` events, oldest first, of those that are wanted; a record that cannot be read is passed over with a word to `onDamage`. Reads the records
 * that these events stand in, and no older ones.
 */
export async function readLastEvents(
  store: ObjectStore,
  policy: string,
  limit: number,
  { onDamage, isWanted = () => true }: { onDamage: OnDamage; isWanted?: (event: IncidentEvent) => boolean },
): Promise<readonly IncidentEvent[]> {
  const newestFirst: IncidentEvent[] = [];
  for await (const { events } of readLogNewestFirst(store, prefixOf(policy), incidentRecordSchema, onDamage)) {
    newestFirst.push(...events.filter(isWanted).toReversed());
    if (newestFirst.length >= limit) break;
  }
  return newestFirst.slice(0, limit).toReversed();
}

/** The events since a moment, newest first; a record that cannot be read is passed over with a word to `onDamage`. */
export async function readEventsSince(
  store: ObjectStore,
  policy: string,
  sinceMs: number,
  onDamage: OnDamage,
): Promise<readonly IncidentEvent[]> {
  const newestFirst: IncidentEvent[] = [];
  for await (const { events } of readLogNewestFirst(store, prefixOf(policy), incidentRecordSchema, onDamage)) {
    // A look tells of what it sees now, and of what it hears late: only one that is older as a whole is the last to read.
    const fresh = events.filter(({ atMs }) => atMs >= sinceMs);
    if (fresh.length === 0) break;
    newestFirst.push(...fresh.toReversed());
  }
  return newestFirst;
}

/**
 * Appends what one look changed, and gives its place. Idempotent by `lookId` among the records from `fromSeq` on: the caller
 * remembers how long the log was before the look.
 */
export async function appendIncidents(
  store: ObjectStore,
  policy: string,
  fromSeq: number,
  record: IncidentRecord,
): Promise<number> {
  for (let next = fromSeq; ;) {
    const later = await readIncidents(store, policy, next - 1);
    const found = later.find((entry) => entry.record.lookId === record.lookId);
    if (found !== undefined) return found.seq;
    next = (later.at(-1)?.seq ?? next - 1) + 1;
    if ((await writeLogEntry(store, prefixOf(policy), next, record)) === 'created') return next;
  }
}
