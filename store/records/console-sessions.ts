import { z } from 'zod';

import { readSoundJson } from '../damaged-objects.ts';
import { failure } from '../failures.ts';
import { jsonBytes, requireJson } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';

const beganSchema = z.object({
  sessionId: z.string(),
  name: z.string(),
  role: z.string(),
  sinceMs: z.int(),
  untilMs: z.int(),
});
type Began = z.infer<typeof beganSchema>;

/** A browser that is signed in to consoles of this store. Nothing of it lets anybody in: the cookie alone does. */
export interface ConsoleSession extends Began {
  /** When a console last noted a request of it, by the store's clock; null: not since it began. */
  readonly seenMs: number | null;
}

const prefix = 'console-sessions/';
type Note = 'began' | 'seen' | 'ended';
const keyOf = (sessionId: string, note: Note): string => `${prefix}${sessionId}/${note}.json`;
const keyPattern = /^console-sessions\/([0-9a-f]{24})\/(began|seen|ended)\.json$/;

/** Sessions last a day at most; what is older than this is of one that is over. */
const forgottenAfterMs = 2 * 86_400_000;
/** Sessions that are listed at most, the newest. */
const mostListed = 500;

/** Notes that somebody signed in. Idempotent by session. */
export const beginConsoleSession = (store: ObjectStore, began: Began): Promise<unknown> =>
  store.putIfAbsent(keyOf(began.sessionId, 'began'), jsonBytes(began));

export const seeConsoleSession = (store: ObjectStore, sessionId: string): Promise<void> =>
  store.put(keyOf(sessionId, 'seen'), jsonBytes({}));

/** Whose session it is. `NotFound` where there is none of this id. */
export const readConsoleSession = (store: ObjectStore, sessionId: string): Promise<Began> =>
  requireJson(store, keyOf(sessionId, 'began'), beganSchema, 'there is no such session');

/** From now on no console lets its cookie in. Idempotent by session: who ended it first stands. */
export async function endConsoleSession(
  store: ObjectStore,
  {
    sessionId,
    ...word
  }: { readonly sessionId: string; readonly who: string; readonly why: string; readonly atMs: number },
): Promise<void> {
  if (!keyPattern.test(keyOf(sessionId, 'ended'))) throw failure('NotFound', 'there is no such session');
  await store.putIfAbsent(keyOf(sessionId, 'ended'), jsonBytes(word));
}

/** Sessions that somebody ended. */
export async function endedConsoleSessions(store: ObjectStore): Promise<ReadonlySet<string>> {
  const ended = new Set<string>();
  for await (const { key } of store.list(prefix)) {
    const [, sessionId = '', note] = keyPattern.exec(key) ?? [];
    if (note === 'ended') ended.add(sessionId);
  }
  return ended;
}

/** Sessions that are neither over nor ended, the newest first, at most 500; one that cannot be read is left out with a word to `onDamage`. */
export async function openConsoleSessions(
  store: ObjectStore,
  nowMs: number,
  onDamage: (object: { readonly key: string }) => void,
): Promise<readonly ConsoleSession[]> {
  const notes = new Map<string, Map<string, number>>();
  for await (const { key, modifiedMs } of store.list(prefix)) {
    const [, sessionId, note] = keyPattern.exec(key) ?? [];
    if (sessionId === undefined || note === undefined) continue;
    notes.set(sessionId, (notes.get(sessionId) ?? new Map<string, number>()).set(note, modifiedMs));
  }
  const open = [...notes]
    .filter(([, of]) => of.has('began') && !of.has('ended'))
    .toSorted(([, a], [, b]) => (b.get('began') ?? 0) - (a.get('began') ?? 0));
  const found: ConsoleSession[] = [];
  for (const [sessionId, of] of open.slice(0, mostListed)) {
    const began = await readSoundJson(store, keyOf(sessionId, 'began'), beganSchema, onDamage);
    if (began !== undefined && began.untilMs > nowMs)
      found.push({ ...began, sessionId, seenMs: of.get('seen') ?? null });
  }
  return found;
}

/** Takes away what is noted of sessions that are long over. */
export async function forgetConsoleSessions(store: ObjectStore, nowMs: number): Promise<void> {
  const old = new Set<string>();
  const keys: (readonly [sessionId: string, key: string])[] = [];
  for await (const { key, modifiedMs } of store.list(prefix)) {
    const [, sessionId, note] = keyPattern.exec(key) ?? [];
    if (sessionId === undefined) continue;
    keys.push([sessionId, key]);
    if (note === 'began' && modifiedMs < nowMs - forgottenAfterMs) old.add(sessionId);
  }
  for (const [sessionId, key] of keys) if (old.has(sessionId)) await store.delete(key);
}
