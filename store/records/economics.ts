import { z } from 'zod';

import type { Economics } from '../../domain/metrics/index.ts';
import { appendOnce, readLog } from '../append-log.ts';
import type { Clock } from '../clock.ts';
import type { ObjectStore } from '../object-store.ts';

const amount = z.number().min(0).max(1e12);

export const economicsSchema: z.ZodType<Economics> = z.strictObject({
  currency: z.string().regex(/^[A-Z]{3}$/, 'expected an ISO 4217 currency, e.g. EUR'),
  perRobotDay: amount,
  perOnlineHour: amount,
  perIntervention: amount,
  perFailure: amount,
  itemWithoutRobot: amount,
});

/** One entry of `config/economics/<policy>/<seq>.json`; the last one holds, for all times that are asked about. */
const recordSchema = z.strictObject({
  economics: economicsSchema,
  atMs: z.int(),
  who: z.string().min(1).max(200),
  why: z.string().min(1).max(500),
});
export type EconomicsRecord = z.infer<typeof recordSchema>;

const prefixOf = (policy: string): string => `config/economics/${policy}`;

/** What was said last; undefined: nothing ever was. */
export async function readEconomics(store: ObjectStore, policy: string): Promise<EconomicsRecord | undefined> {
  return (await readLog(store, prefixOf(policy), recordSchema)).at(-1)?.record;
}

export function setEconomics(
  { store, clock }: { readonly store: ObjectStore; readonly clock: Clock },
  { policy, ...said }: Pick<EconomicsRecord, 'economics' | 'who' | 'why'> & { readonly policy: string },
): Promise<EconomicsRecord> {
  const record = recordSchema.parse({ ...said, atMs: clock() });
  return appendOnce(store, prefixOf(policy), recordSchema, () => ({ append: record }));
}
