import { createHash } from 'node:crypto';

import { z } from 'zod';

import { failure } from '../failures.ts';
import { jsonBytes, readJson, requireJson } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';
import { dataScopeSchema, personalText } from './legal-holds.ts';

/** `erasures/<id>/…`; ids sort by time. */
const idPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;
const keyOf = (erasureId: string, name: string): string => `erasures/${erasureId}/${name}`;

/** What a person asks to erase; from `recordedBeforeMs` on a robot or site may bring new data. */
const requestSchema = z.strictObject({
  erasureId: z.string().regex(idPattern),
  target: dataScopeSchema.refine(({ kind }) => kind !== 'everything', 'expected a robot, a site or episodes'),
  recordedBeforeMs: z.int(),
  who: personalText,
  why: personalText,
  atMs: z.int(),
});
export type ErasureRequest = z.infer<typeof requestSchema>;

/** Ids are kept as digests: what is erased is refused for ever, and cannot be read out of the tombstone. */
export const episodeHash = (episodeId: string): string => createHash('sha256').update(episodeId).digest('hex');

/** Keeps a request with the digests of the episodes it lists. `InvalidInput` for one that cannot be. */
export async function writeErasureRequest(
  store: ObjectStore,
  request: ErasureRequest,
  episodeIds: readonly string[],
): Promise<void> {
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) throw failure('InvalidInput', parsed.error.issues[0]?.message ?? 'expected a request');
  await writeErasedEpisodes(store, request.erasureId, 0, episodeIds.map(episodeHash));
  await store.putIfAbsent(keyOf(request.erasureId, 'request.json'), jsonBytes(parsed.data));
}

export const readErasureRequest = (store: ObjectStore, erasureId: string): Promise<ErasureRequest> =>
  requireJson(store, keyOf(erasureId, 'request.json'), requestSchema, 'start it with `flywheel data erase`');

/** From now on the request holds: nothing of what it names comes back. Idempotent. */
export const writeTombstone = (store: ObjectStore, request: ErasureRequest): Promise<unknown> =>
  store.putIfAbsent(keyOf(request.erasureId, 'tombstone.json'), jsonBytes(request));

/**
 * Every tombstone, oldest id first. One that cannot be read is an error: what it refuses is not known. They never change, so a `known` map
 * spares reading them again.
 */
export async function readTombstones(
  store: ObjectStore,
  known: Map<string, ErasureRequest> = new Map(),
): Promise<readonly ErasureRequest[]> {
  const found: ErasureRequest[] = [];
  for await (const { key } of store.list('erasures/')) {
    if (!/^erasures\/[^/]+\/tombstone\.json$/.test(key)) continue;
    const request = known.get(key) ?? (await requireJson(store, key, requestSchema, 'it was just listed'));
    known.set(key, request);
    found.push(request);
  }
  return found;
}

/** Named by its content too: an attempt that comes again, or late, knows less where the one before has begun to erase, and must not take its list away. */
const listKey = (erasureId: string, pass: number, bytes: Uint8Array): string =>
  keyOf(
    erasureId,
    `episodes/${String(pass).padStart(4, '0')}-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.txt`,
  );

/** Digests of episodes that pass `pass` found; pass 0 are those that a person listed. What was written before stays. */
export async function writeErasedEpisodes(
  store: ObjectStore,
  erasureId: string,
  pass: number,
  hashes: readonly string[],
): Promise<void> {
  const lines = [...new Set(hashes)].toSorted().map((hash) => `${hash}\n`);
  const bytes = new TextEncoder().encode(lines.join(''));
  await store.put(listKey(erasureId, pass, bytes), bytes);
}

/** All digests of an erasure, of every pass. */
export async function readErasedEpisodes(store: ObjectStore, erasureId: string): Promise<ReadonlySet<string>> {
  const hashes = new Set<string>();
  for await (const { key } of store.list(keyOf(erasureId, 'episodes/')))
    for (const line of new TextDecoder().decode(await store.get(key)).split('\n')) if (line !== '') hashes.add(line);
  return hashes;
}

/** A document of the erasure's own work, e.g. `found-0001.json`. */
export const erasureDocument = <T>(store: ObjectStore, erasureId: string, name: string, schema: z.ZodType<T>) => ({
  read: (): Promise<T | undefined> => readJson(store, keyOf(erasureId, name), schema),
  /** The first one stays. */
  write: async (value: T): Promise<T> => {
    await store.putIfAbsent(keyOf(erasureId, name), jsonBytes(value));
    return requireJson(store, keyOf(erasureId, name), schema, 'it was just written');
  },
});

/** Which erasure took a file of the lake; undefined: none did. */
export async function erasureOfFile(store: ObjectStore, fileKey: string): Promise<ErasureRequest | undefined> {
  const filesSchema = z.looseObject({ lakeFiles: z.array(z.looseObject({ key: z.string() })) });
  for await (const { key } of store.list('erasures/')) {
    const erasureId = /^erasures\/([^/]+)\/found-\d+\.json$/.exec(key)?.[1];
    if (erasureId === undefined) continue;
    const found = await readJson(store, key, filesSchema);
    if (found?.lakeFiles.some((file) => file.key === fileKey) === true) return readErasureRequest(store, erasureId);
  }
  return undefined;
}
