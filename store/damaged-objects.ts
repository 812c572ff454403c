import type { z } from 'zod';

import { isFailure } from './failures.ts';
import { readJson } from './json-objects.ts';
import type { ObjectStore } from './object-store.ts';

/** A stored object that is not what it should be, and in what way. */
export interface DamagedObject {
  readonly key: string;
  readonly why: string;
}

/** Told of every object that was set aside. */
export type OnDamage = (object: DamagedObject) => void;

const longestWhy = 200;

/** What `read` gives; undefined, and a word to `onDamage`, when the object it reads is damaged. Every other failure is thrown. */
export async function orSetAside<T>(key: string, read: () => Promise<T>, onDamage: OnDamage): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!isFailure(error, 'CorruptData')) throw error;
    onDamage({ key, why: (error instanceof Error ? error.message : String(error)).slice(0, longestWhy) });
    return undefined;
  }
}

/** {@link readJson} for readers that go on without the object. */
export const readSoundJson = <T>(
  store: ObjectStore,
  key: string,
  schema: z.ZodType<T>,
  onDamage: OnDamage,
): Promise<T | undefined> => orSetAside(key, () => readJson(store, key, schema), onDamage);
