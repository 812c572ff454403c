import { readJson } from '../../store/json-objects.ts';
import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { quarantineRecordSchema, type QuarantineRecord } from './quarantine.ts';
import { releaseKeyOf, releaseSchema, type Release } from './releases.ts';

/** What was refused, with the release that a person gave it; null: nobody did. */
export interface RefusedObject extends QuarantineRecord {
  readonly release: Release | null;
}

const readsAtOnce = 16;

/**
 * What collections refused, the newest first, at most `limit` of all robot types. Of robots of type `robotTypeId`, and of what says no type; the records of other
 * types are counted in `total` and left out. Lists all keys and reads `limit` records.
 */
export async function readQuarantinePage(
  store: ObjectStore,
  { robotTypeId, limit }: { readonly robotTypeId: string; readonly limit: number },
  onDamage: OnDamage,
): Promise<{ readonly items: readonly RefusedObject[]; readonly total: number }> {
  const found: { key: string; modifiedMs: number }[] = [];
  for await (const { key, modifiedMs } of store.list('quarantine/'))
    if (key.endsWith('.json')) found.push({ key, modifiedMs });
  const newest = found.toSorted((a, b) => b.modifiedMs - a.modifiedMs || (a.key < b.key ? -1 : 1)).slice(0, limit);
  const items = await inParallel(newest, readsAtOnce, async ({ key }) => {
    const record = await readSoundJson(store, key, quarantineRecordSchema, onDamage);
    if (record === undefined || !isOfType(record, robotTypeId)) return [];
    const release = (await readJson(store, releaseKeyOf(record.sha256), releaseSchema)) ?? null;
    return [{ ...record, release }];
  });
  return { items: items.flat(), total: found.length };
}

const isOfType = ({ robotType }: QuarantineRecord, id: string): boolean =>
  robotType === null || robotType === '' || robotType.split('@')[0] === id;
