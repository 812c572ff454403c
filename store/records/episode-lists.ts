import { createHash } from 'node:crypto';

import { failure } from '../failures.ts';
import type { ObjectStore } from '../object-store.ts';

const idPattern = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
export const mostListedEpisodes = 1_000_000;

/**
 * The ids of a text with one a line, sorted, each once; lines that are empty are passed over. `InvalidInput` names the first line that
 * is no episode id.
 */
export function parseEpisodeList(text: string): readonly string[] {
  const ids = new Set<string>();
  for (const [index, line] of text.split('\n').entries()) {
    const id = line.trim();
    if (id === '') continue;
    if (!idPattern.test(id))
      throw failure(
        'InvalidInput',
        `line ${index + 1}: expected an episode id (a ULID of 26 capital letters and digits), got ${JSON.stringify(id.slice(0, 40))}`,
      );
    ids.add(id);
    if (ids.size > mostListedEpisodes)
      throw failure('InvalidInput', `expected at most ${mostListedEpisodes} episode ids, got more`);
  }
  if (ids.size === 0) throw failure('InvalidInput', 'expected episode ids, one a line, got none');
  return [...ids].toSorted();
}

/** Where a list lies. */
export const episodeListKey = (digest: string): string => `legal-holds/lists/${digest}.txt`;

/** Keeps a list under the digest of its content. */
export async function writeEpisodeList(
  store: ObjectStore,
  ids: readonly string[],
): Promise<{ readonly digest: string; readonly count: number }> {
  const bytes = new TextEncoder().encode(`${ids.join('\n')}\n`);
  const digest = createHash('sha256').update(bytes).digest('hex');
  await store.putIfAbsent(episodeListKey(digest), bytes);
  return { digest, count: ids.length };
}

/** The ids; `CorruptData` when they are gone or others than the digest says. */
export async function readEpisodeList(store: ObjectStore, digest: string): Promise<readonly string[]> {
  const bytes = await store.get(episodeListKey(digest));
  const got = bytes === undefined ? 'nothing' : createHash('sha256').update(bytes).digest('hex');
  if (got !== digest)
    throw failure('CorruptData', `expected a list of episodes with sha256 ${digest}, got ${got}`, {
      coordinates: { key: episodeListKey(digest) },
    });
  return parseEpisodeList(new TextDecoder().decode(bytes));
}
