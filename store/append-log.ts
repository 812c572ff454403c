import type { z } from 'zod';

import { readSoundJson, type OnDamage } from './damaged-objects.ts';
import { inParallel } from './in-parallel.ts';
import { jsonBytes, readJson, requireJson } from './json-objects.ts';
import type { ObjectStore } from './object-store.ts';

const width = 20;
const seqOf = (key: string): number => Number(/(\d{20})\.json$/.exec(key)?.[1] ?? Number.NaN);
const keyOf = (prefix: string, seq: number): string => `${prefix}/${String(seq).padStart(width, '0')}.json`;

export interface LogEntry<T> {
  readonly seq: number;
  readonly record: T;
}

/** All records of the append-only log under `prefix`, oldest first; those after `after` only. */
export async function readLog<T>(
  store: ObjectStore,
  prefix: string,
  schema: z.ZodType<T>,
  after?: number,
): Promise<readonly LogEntry<T>[]> {
  const entries: LogEntry<T>[] = [];
  const options = after === undefined ? {} : { after: keyOf(prefix, after) };
  for await (const { key } of store.list(`${prefix}/`, options)) {
    const seq = seqOf(key);
    if (!Number.isSafeInteger(seq)) continue;
    const record = await readJson(store, key, schema);
    if (record !== undefined) entries.push({ seq, record });
  }
  return entries;
}

/** The newest record of the log, as `take` reads it; undefined for an empty log. Lists the whole log. */
export async function readLastEntry<T>(
  store: ObjectStore,
  prefix: string,
  take: (read: <R>(schema: z.ZodType<R>) => Promise<R>) => Promise<T>,
): Promise<LogEntry<T> | undefined> {
  let newest: string | undefined;
  for await (const { key } of store.list(`${prefix}/`)) if (Number.isSafeInteger(seqOf(key))) newest = key;
  if (newest === undefined) return undefined;
  const key = newest;
  const hint = 'it was there a moment ago';
  return { seq: seqOf(key), record: await take((schema) => requireJson(store, key, schema, hint)) };
}

const readsAtOnce = 16;

/**
 * Records of the log, newest first, some at a time, so that who has enough reads no more. A record that cannot be read is passed over with a word to
 * `onDamage`. Lists the whole log.
 */
export async function* readLogNewestFirst<T>(
  store: ObjectStore,
  prefix: string,
  schema: z.ZodType<T>,
  onDamage: OnDamage,
): AsyncGenerator<T> {
  const keys: string[] = [];
  for await (const { key } of store.list(`${prefix}/`)) if (Number.isSafeInteger(seqOf(key))) keys.push(key);
  const newestFirst = keys.toReversed();
  for (let from = 0; from < newestFirst.length; from += readsAtOnce) {
    const records = await inParallel(newestFirst.slice(from, from + readsAtOnce), readsAtOnce, (key) =>
      readSoundJson(store, key, schema, onDamage),
    );
    for (const record of records) if (record !== undefined) yield record;
  }
}

/** Writes record `seq`; of concurrent writers of one seq exactly one gets `created`. */
export const writeLogEntry = (
  store: ObjectStore,
  prefix: string,
  seq: number,
  record: unknown,
): Promise<'created' | 'exists'> => store.putIfAbsent(keyOf(prefix, seq), jsonBytes(record));

/**
 * Appends the record that `build` makes from all earlier ones, and returns it; `build` may instead find its record
 * among them (`found`), which makes appending idempotent. A lost race re-reads and builds anew.
 */
export async function appendOnce<T>(
  store: ObjectStore,
  prefix: string,
  schema: z.ZodType<T>,
  build: (earlier: readonly LogEntry<T>[]) => { readonly found: T } | { readonly append: T },
): Promise<T> {
  for (;;) {
    const earlier = await readLog(store, prefix, schema);
    const built = build(earlier);
    if ('found' in built) return built.found;
    const seq = (earlier.at(-1)?.seq ?? -1) + 1;
    if ((await writeLogEntry(store, prefix, seq, built.append)) === 'created') return built.append;
  }
}
