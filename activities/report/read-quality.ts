import { z } from 'zod';

import { failure } from '../../store/failures.ts';
import { readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { qualitySchema, type QualityDocument } from '../mix/quality-document.ts';
import { listEndedCycles } from './list-cycles.ts';

const reportSchema = z.looseObject({ quality: qualitySchema.nullish() });
/** Cycles that are looked at for the newest one that trained. */
const mostCycles = 50;

export interface QualityAnswer {
  readonly cycleId: string;
  readonly quality: QualityDocument;
}

/** The quality of the new episodes of a cycle, by default of the newest one that trained; `NotFound` where nothing was measured. */
export async function readQuality(
  store: ObjectStore,
  policy: string,
  cycleId: string | undefined,
): Promise<QualityAnswer> {
  const asked =
    cycleId === undefined
      ? (await listEndedCycles(store, policy, mostCycles, () => undefined)).map((cycle) => cycle.cycleId).toReversed()
      : [cycleId];
  for (const id of asked) {
    const report = await readJson(store, `reports/${id}.json`, reportSchema);
    const quality = report?.quality;
    if (quality !== undefined && quality !== null) return { cycleId: id, quality };
  }
  throw failure(
    'NotFound',
    `expected a cycle that measured new episodes, got none${cycleId === undefined ? ` among the last ${mostCycles}` : ''}: a cycle measures what it collected when it trains`,
    { coordinates: { policy, ...(cycleId === undefined ? {} : { cycleId }) } },
  );
}
