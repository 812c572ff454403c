import { z } from 'zod';

import { lakeTableRoot, type FactTable, type LakeTable } from '../../datasets/dataset-version.ts';
import { relativeKeyOf } from '../../datasets/delta/data-paths.ts';
import { lastCheckpointKey, logPrefix, parseLogKey } from '../../datasets/delta/log-names.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { withoutErasedIds } from './erased-rows.ts';
import { textOf } from './find-texts.ts';

const lineSchema = z.looseObject({ add: z.looseObject({ path: z.string(), stats: z.string().nullish() }) });

/**
 * A commit of the log of the lake without the statistics of files that had rows that were erased: the smallest and largest value of
 * a column are such values. The files are gone, so nobody reads by them.
 */
function withoutErasedStats(text: string, hashes: ReadonlySet<string>, gone: ReadonlySet<string>): string {
  return text
    .split('\n')
    .map((line) => {
      if (!line.startsWith('{"add"')) return line;
      const parsed = lineSchema.safeParse(JSON.parse(line));
      if (!parsed.success) return line;
      const { stats, ...add } = parsed.data.add;
      const isErased = gone.has(relativeKeyOf(add.path) ?? '') || withoutErasedIds(stats ?? '', hashes) !== stats;
      return typeof stats === 'string' && isErased ? JSON.stringify({ ...parsed.data, add }) : line;
    })
    .join('\n');
}

/**
 * Takes them out of every commit; checkpoints, which hold them too, go as a whole where the commits say everything: the next commit
 * that is due writes a new one. Idempotent.
 */
export async function eraseLogStats(
  store: ObjectStore,
  table: LakeTable | FactTable,
  hashes: ReadonlySet<string>,
  files: readonly string[],
): Promise<void> {
  const root = lakeTableRoot(table);
  const gone = new Set(files);
  const checkpoints: string[] = [];
  let [commits, last, isTouched] = [0, -1, false];
  for await (const { key } of store.list(logPrefix(root))) {
    const file = parseLogKey(root, key);
    if (file?.kind === 'checkpoint') checkpoints.push(key);
    if (file?.kind !== 'commit') continue;
    [commits, last] = [commits + 1, file.version];
    const text = await textOf(store, key);
    const left = withoutErasedStats(text, hashes, gone);
    if (left === text) continue;
    isTouched = true;
    await store.put(key, new TextEncoder().encode(left));
  }
  const isWhole = commits === last + 1;
  if (!isWhole || (!isTouched && files.length === 0)) return;
  await store.delete(lastCheckpointKey(root));
  for (const key of checkpoints) await store.delete(key);
}
