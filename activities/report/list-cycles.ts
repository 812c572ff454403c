import { z } from 'zod';

import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import type { ObjectEntry, ObjectStore } from '../../store/object-store.ts';

/** What the list of cycles says of one that ended: the head of its report. */
export const endedCycleSchema = z.object({
  cycleId: z.string(),
  policy: z.string(),
  outcome: z.string(),
  reason: z.string(),
  cause: z.string(),
  writtenAtMs: z.number(),
  championVersion: z.string().nullable(),
  candidateVersion: z.string().nullable(),
});

export type EndedCycle = z.infer<typeof endedCycleSchema> & { readonly reportKey: string };

/**
 * The last `limit` cycles of a policy that ended, oldest first, by their reports; a report that cannot be read is passed over
 * and named to `onDamage`. Only reads; cost grows with the reports that are newer than the oldest one shown.
 */
export async function listEndedCycles(
  store: ObjectStore,
  policy: string,
  limit: number,
  onDamage: OnDamage,
): Promise<readonly EndedCycle[]> {
  const reports: ObjectEntry[] = [];
  for await (const entry of store.list('reports/')) if (entry.key.endsWith('.json')) reports.push(entry);
  const cycles: EndedCycle[] = [];
  for (const { key } of reports.toSorted((a, b) => b.modifiedMs - a.modifiedMs || (a.key < b.key ? 1 : -1))) {
    if (cycles.length >= limit) break;
    const report = await readSoundJson(store, key, endedCycleSchema, onDamage);
    if (report?.policy === policy) cycles.push({ ...report, reportKey: key.replace(/json$/, 'html') });
  }
  return cycles.toReversed();
}
