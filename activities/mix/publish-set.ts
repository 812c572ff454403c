import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { canonicalJson } from '../../domain/canonical-json.ts';
import type { ObjectStore } from '../ports.ts';

/**
 * Puts a set's files and then its manifest into the store, under the digest of the manifest, which names the digests of
 * the files. A set that is there already is left alone: the same content has the same name.
 */
export async function publishSet<File extends string>(
  store: ObjectStore,
  directory: string,
  keyOf: (digest: string, file: File | 'manifest.json') => string,
  files: readonly File[],
  manifest: unknown,
): Promise<string> {
  const bytes = new TextEncoder().encode(`${canonicalJson(manifest)}\n`);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const manifestKey = keyOf(digest, 'manifest.json');
  if ((await store.get(manifestKey)) !== undefined) return digest;
  for (const file of files) await store.put(keyOf(digest, file), { filePath: join(directory, file) });
  await store.putIfAbsent(manifestKey, bytes);
  return digest;
}
