import { z } from 'zod';

import { readSoundJson } from '../../store/damaged-objects.ts';
import type { ObjectEntry, ObjectStore } from '../../store/object-store.ts';

const told = z.number().nullable().default(null);

/** Of the report before what the next one compares with, whichever version wrote it. */
export const cycleBeforeSchema = z.object({
  cycleId: z.string(),
  policy: z.string(),
  outcome: z.string(),
  writtenAtMs: z.number(),
  candidateVersion: z.string().nullable().default(null),
  collection: z
    .object({
      episodesStored: told,
      framesStored: told,
      failuresStored: told,
      quarantinedEpisodes: told,
    })
    .nullable()
    .default(null),
  mix: z.object({ needsLabelFrames: told, failuresAdded: told, failuresValid: told }).nullable().default(null),
  training: z.object({ steps: told }).nullable().default(null),
  evaluation: z
    .object({
      accuracyFraction: told,
      championFraction: told,
      frames: told,
      tasks: z.array(z.object({ task: z.string(), agreementFraction: told })).default([]),
      gates: z
        .array(z.object({ id: z.string(), outcome: z.string(), value: told, unit: z.string().default('') }))
        .default([]),
    })
    .nullable()
    .default(null),
});
export type CycleBefore = z.infer<typeof cycleBeforeSchema>;

/** So many reports are read at most: those of other policies lie between. */
const mostRead = 200;

/** The report of the policy's cycle that ended last before this one; undefined where there is none that can be read. */
export async function cycleBefore(
  store: ObjectStore,
  { cycleId, policy }: { readonly cycleId: string; readonly policy: string },
): Promise<CycleBefore | undefined> {
  const reports: ObjectEntry[] = [];
  for await (const entry of store.list('reports/'))
    if (entry.key.endsWith('.json') && entry.key !== `reports/${cycleId}.json`) reports.push(entry);
  const newestFirst = reports.toSorted((a, b) => b.modifiedMs - a.modifiedMs || (a.key < b.key ? 1 : -1));
  for (const { key } of newestFirst.slice(0, mostRead)) {
    const report = await readSoundJson(store, key, cycleBeforeSchema, () => undefined);
    if (report?.policy === policy) return report;
  }
  return undefined;
}
