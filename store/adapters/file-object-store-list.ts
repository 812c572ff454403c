import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { compareKeys, reservedSegment } from '../object-key.ts';
import type { ObjectEntry } from '../object-store.ts';
import { isMissing } from './file-object-store-paths.ts';

const statBatch = 64;

/**
 * Walks one folder after the other in byte order of keys; a folder sorts as its name with the `/` that its keys have.
 * Memory: the names of the folders on the way down, never the whole listing.
 */
export async function* listFolder(
  root: string,
  folderKey: string,
  prefix: string,
  after: string,
): AsyncGenerator<ObjectEntry> {
  const keys = await keysIn(root, folderKey, prefix, after);
  for (let start = 0; start < keys.length; start += statBatch) {
    const batch = keys.slice(start, start + statBatch);
    const entries = await Promise.all(batch.map((key) => entryOf(root, key)));
    for (const [index, key] of batch.entries()) {
      const entry = entries[index];
      if (entry !== undefined) yield entry;
      if (key.endsWith('/')) yield* listFolder(root, key, prefix, after);
    }
  }
}

/** Keys of the folder's files, and its folders with a trailing `/`, that can hold something asked for; in order. */
async function keysIn(root: string, folderKey: string, prefix: string, after: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const entry of await readFolder(join(root, folderKey))) {
    const key = folderKey + entry.name;
    if (entry.isFile() && key.startsWith(prefix) && compareKeys(key, after) > 0) keys.push(key);
    const isOurs = entry.isDirectory() && key !== reservedSegment;
    if (isOurs && isOnTheWay(`${key}/`, prefix, after)) keys.push(`${key}/`);
  }
  return keys.toSorted(compareKeys);
}

function isOnTheWay(folderKey: string, prefix: string, after: string): boolean {
  const canMatch = folderKey.startsWith(prefix) || prefix.startsWith(folderKey);
  return canMatch && (compareKeys(folderKey, after) > 0 || after.startsWith(folderKey));
}

async function readFolder(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function entryOf(root: string, key: string): Promise<ObjectEntry | undefined> {
  if (key.endsWith('/')) return undefined;
  try {
    const found = await lstat(join(root, key));
    return { key, sizeBytes: found.size, modifiedMs: Math.round(found.mtimeMs) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
