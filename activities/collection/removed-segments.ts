import { z } from 'zod';

import { landingPlace } from '../../datasets/validation/segment-facts.ts';
import { failure } from '../../store/failures.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectEntry, ObjectStore } from '../../store/object-store.ts';

/** Why a person took something out of landing; beside its bytes, `removed/<where it lay>.json`. */
export const removalSchema = z.strictObject({
  landingKey: z.string(),
  sizeBytes: z.int(),
  who: z.string(),
  reason: z.string(),
  removedMs: z.int(),
});
export type Removal = z.infer<typeof removalSchema>;

const landingPrefix = 'landing/';
export const removedKeyOf = (landingKey: string): string => `removed/${landingKey.slice(landingPrefix.length)}`;

/** What waits in landing, of one robot only when it is named; in the order of keys. */
export async function* waitingSegments(store: ObjectStore, robotId?: string): AsyncGenerator<ObjectEntry> {
  for await (const entry of store.list(robotId === undefined ? landingPrefix : `${landingPrefix}${robotId}/`))
    yield entry;
}

/**
 * Takes one object out of landing, with its bytes and a record kept under `removed/`. Idempotent by key. `InvalidInput` when
 * the key is not in landing, `NotFound` when nothing is there.
 */
export async function removeFromLanding(
  { store, clock }: { readonly store: ObjectStore; readonly clock: Clock },
  input: { readonly landingKey: string; readonly who: string; readonly reason: string },
): Promise<Removal & { readonly removedKey: string; readonly robotId: string | null }> {
  const { landingKey, who, reason } = input;
  if (!landingKey.startsWith(landingPrefix) || landingKey.length === landingPrefix.length) {
    throw failure('InvalidInput', `expected a key that starts with landing/, got ${landingKey.slice(0, 200)}`);
  }
  const filePath = await store.localPath(landingKey);
  const bytes = await sizeOf(store, landingKey);
  if (filePath === undefined || bytes === undefined) {
    throw failure('NotFound', 'expected something in landing, got nothing: see flywheel data landing list', {
      coordinates: { key: landingKey },
    });
  }
  const removedKey = removedKeyOf(landingKey);
  const removal = { landingKey, sizeBytes: bytes, who, reason, removedMs: clock() };
  await store.put(removedKey, { filePath });
  await store.put(`${removedKey}.json`, jsonBytes(removal));
  await store.delete(landingKey);
  return { ...removal, removedKey, robotId: landingPlace(landingKey)?.robotId ?? null };
}

async function sizeOf(store: ObjectStore, key: string): Promise<number | undefined> {
  for await (const entry of store.list(key)) if (entry.key === key) return entry.sizeBytes;
  return undefined;
}
