import { isFailure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { storedFiles } from './rewrite.ts';
import type { LakeTableLog } from './table.ts';

/** What {@link Lake.touched} does: the store is listed once, the log read for each version that is asked about. */
export async function touchedVersions(
  store: ObjectStore,
  table: LakeTableLog,
  files: readonly string[],
): Promise<(version: number) => Promise<boolean>> {
  const wanted = new Set(files);
  const stored = new Set((await storedFiles(store, table)).map(({ relativeKey }) => relativeKey));
  const known = new Map<number, boolean>();
  const look = async (version: number): Promise<boolean> => {
    try {
      for (const file of (await table.at(version)).files.keys())
        if (wanted.has(file) || (!stored.has(file) && !(await isThere(store, `${table.root}/${file}`)))) return true;
      return false;
    } catch (error) {
      if (isFailure(error, 'NotFound')) return true;
      throw error;
    }
  };
  return async (version) => {
    const isTouched = known.get(version) ?? (await look(version));
    known.set(version, isTouched);
    return isTouched;
  };
}

/** Of a version that is younger than the list. */
async function isThere(store: ObjectStore, key: string): Promise<boolean> {
  for await (const entry of store.list(key)) if (entry.key === key) return true;
  return false;
}
