import { z } from 'zod';

import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { gateSchema } from '../evaluation/evaluation-document.ts';

/** Of a report what says on how much its gates were judged, and what its collection took in. */
const reportSchema = z.object({
  collection: z.object({ summaryKey: z.string().optional() }).nullable().default(null),
  evaluation: z.object({ gates: z.array(gateSchema) }).nullable(),
});
export type TrainingReport = z.infer<typeof reportSchema> & { readonly cycleId: string };

/** A training that a cycle started has the cycle's id and the end of its own run's. */
const ownPart = /-[0-9a-f]{12}$/;

/** The report of the cycle that made a version, by the id that its manifest names: the cycle's, or that of its training. undefined: there is none. */
export async function reportOfTraining(
  store: ObjectStore,
  trainingId: string,
  onDamage: OnDamage,
): Promise<TrainingReport | undefined> {
  for (const id of new Set([trainingId, trainingId.replace(ownPart, '')])) {
    const report = await readSoundJson(store, `reports/${id}.json`, reportSchema, onDamage);
    if (report !== undefined) return { ...report, cycleId: id };
  }
  return undefined;
}

/** Where its collection says what it took in; undefined for what names no such place: words of a stored document lead nowhere else. */
export const summaryKeyIn = ({ collection }: TrainingReport): string | undefined => {
  const key = collection?.summaryKey;
  return key !== undefined && /^collections\/[A-Za-z0-9][A-Za-z0-9._-]{0,199}\/summary\.json$/.test(key)
    ? key
    : undefined;
};
