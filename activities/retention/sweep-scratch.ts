import { lstat, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

/** What was not touched for a day belongs to nobody: an activity beats every second, and a training saves checkpoints. */
const abandonedAfterMs = 24 * 3_600_000;
/** Has a size limit of its own. */
const kept = new Set(['s3-cache']);

/** Removes what activities that died left in a worker's scratch folder; gives what went. */
export async function sweepScratch(
  directory: string,
  nowMs: number,
  isDryRun: boolean,
): Promise<readonly { readonly name: string; readonly sizeBytes: number }[]> {
  const swept: { name: string; sizeBytes: number }[] = [];
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter((one) => !kept.has(one))) {
    const place = path.join(directory, name);
    const { newestMs, sizeBytes } = await touched(place);
    if (nowMs - newestMs < abandonedAfterMs) continue;
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
