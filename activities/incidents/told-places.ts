import { createHash } from 'node:crypto';

import { z } from 'zod';

import { jsonBytes, readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';

/** `notified/<policy>/<receiver>.json`: how far one receiver was told of the incident log. */
const placeSchema = z.object({
  /** First record that it was not told. */
  seq: z.int().min(0),
  /** When the last mail went; null before the first. */
  sentMs: z.int().nullable(),
});
export type ToldPlace = z.infer<typeof placeSchema>;

const keyOf = (policy: string, receiver: string): string => `notified/${policy}/${receiver}.json`;

/** The name of a receiver in keys: no address stands in one. */
export const receiverName = (address: string): string =>
  createHash('sha256').update(address).digest('hex').slice(0, 16);

/** Where a receiver is; who is new begins at `fromSeq`. */
export async function placeOf(
  store: ObjectStore,
  policy: string,
  receiver: string,
  fromSeq: number,
): Promise<ToldPlace> {
  return (await readJson(store, keyOf(policy, receiver), placeSchema)) ?? { seq: fromSeq, sentMs: null };
}

export const writePlace = (store: ObjectStore, policy: string, receiver: string, place: ToldPlace): Promise<void> =>
  store.put(keyOf(policy, receiver), jsonBytes(place));
