import type { z } from 'zod';

import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectEntry, ObjectStore } from '../../store/object-store.ts';

const endPattern = /^trials\/[^/]+\/end\.json$/;
const readsAtOnce = 16;

/**
 * How trials of all policies ended, those that were written last first, a few at a time, so that who has enough reads no more; from `sinceMs` of the
 * store's clock on where it is given. An end that cannot be read is passed over with a word to `onDamage`. Listing costs what trials wrote.
 */
export async function* readTrialEnds<T>(
  store: ObjectStore,
  schema: z.ZodType<T>,
  onDamage: OnDamage,
  sinceMs = Number.NEGATIVE_INFINITY,
): AsyncGenerator<readonly T[]> {
  const found: ObjectEntry[] = [];
  for await (const entry of store.list('trials/'))
    if (entry.modifiedMs >= sinceMs && endPattern.test(entry.key)) found.push(entry);
  const newestFirst = found.toSorted((a, b) => b.modifiedMs - a.modifiedMs || (a.key < b.key ? 1 : -1));
  for (let from = 0; from < newestFirst.length; from += readsAtOnce) {
    const ends = await inParallel(newestFirst.slice(from, from + readsAtOnce), readsAtOnce, ({ key }) =>
      readSoundJson(store, key, schema, onDamage),
    );
    yield ends.filter((end) => end !== undefined);
  }
}
