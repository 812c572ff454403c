import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';

/**
 * Puts a set's files and then its manifest into the store, under the digest of the manifest, which names the digests of
 * the files. Of a set that is there already the files are put again, the same bytes under the same names: the sweep of old sets may
 * have taken them, or would soon. Where another digest is expected nothing is put.
 */
export async function publishSet<File extends string>(
  store: ObjectStore,
  directory: string,
  keyOf: (digest: string, file: File | 'manifest.json') => string,
  files: readonly File[],
  manifest: unknown,
  expectedDigest?: string,
): Promise<string> {
  const bytes = new TextEncoder().encode(`${canonicalJson(manifest)}\n`);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (expectedDigest !== undefined && digest !== expectedDigest)
    throw failure(
      'Conflict',
      `expected the set ${expectedDigest} again, got ${digest}: the lake was rewritten since, or another build mixes otherwise`,
    );
  for (const file of files) await store.put(keyOf(digest, file), { filePath: join(directory, file) });
  await store.putIfAbsent(keyOf(digest, 'manifest.json'), bytes);
  return digest;
}
