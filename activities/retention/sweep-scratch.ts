import { lstat, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

import { decodedFolder } from '../media/decoded-clips.ts';

/** What was not touched for a day belongs to nobody: an activity beats every second, and a training saves checkpoints. */
const abandonedAfterMs = 24 * 3_600_000;
/** Copies of objects of a remote store, and decoded clips, each a file; they have size limits of their own. */
const caches = ['s3-cache', decodedFolder];
/** A copy that nobody asked for in so long may be of an object that was erased; who still reads one has it open. */
const unusedAfterMs = 7 * 24 * 3_600_000;

/** Removes what activities that died left in a worker's scratch folder, and copies of objects that nobody uses; gives what went. */
export async function sweepScratch(
  directory: string,
  nowMs: number,
  isDryRun: boolean,
): Promise<readonly { readonly name: string; readonly sizeBytes: number }[]> {
  const swept: { name: string; sizeBytes: number }[] = [];
  const names = await readdir(directory).catch((): string[] => []);
  const inCaches: string[] = [];
  for (const cache of caches.filter((one) => names.includes(one)))
    for (const name of await readdir(path.join(directory, cache)).catch(() => []))
      inCaches.push(path.join(cache, name));
  for (const name of [...names.filter((one) => !caches.includes(one)), ...inCaches]) {
    const place = path.join(directory, name);
    const { newestMs, sizeBytes } = await touched(place);
    if (nowMs - newestMs < (inCaches.includes(name) ? unusedAfterMs : abandonedAfterMs)) continue;
    if (!isDryRun) await rm(place, { recursive: true, force: true });
    swept.push({ name, sizeBytes });
  }
  return swept;
}

/** When anything in it changed last, and how large it is. Links are not followed. */
async function touched(place: string): Promise<{ newestMs: number; sizeBytes: number }> {
  const found = await lstat(place).catch(() => undefined);
  if (found === undefined) return { newestMs: Number.POSITIVE_INFINITY, sizeBytes: 0 };
  let [newestMs, sizeBytes] = [Math.max(found.mtimeMs, found.ctimeMs), found.isFile() ? found.size : 0];
  if (found.isDirectory())
    for (const name of await readdir(place).catch(() => [])) {
      const inner = await touched(path.join(place, name));
      [newestMs, sizeBytes] = [Math.max(newestMs, inner.newestMs), sizeBytes + inner.sizeBytes];
    }
  return { newestMs, sizeBytes };
}
