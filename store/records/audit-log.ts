import { z } from 'zod';

import type { Clock } from '../clock.ts';
import { readSoundJson, type OnDamage } from '../damaged-objects.ts';
import { failure, isFailure } from '../failures.ts';
import { inParallel } from '../in-parallel.ts';
import { jsonBytes } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';
import {
  auditEntrySchema,
  auditKeys,
  auditWord,
  digestOf,
  firstPrevious,
  seqOfKey,
  type AuditEntry,
  type AuditWord,
} from './audit-entry.ts';

interface AuditPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

/** A place of the chain and the digest of what stands there; place 0 is before the first. */
export interface ChainPlace {
  readonly seq: number;
  readonly digest: string;
}

const tailSchema = z.object({ seq: z.int().min(1), digest: z.string() });
const actSchema = z.object({ afterSeq: z.int().min(0) });

/** Of writers at once one gets the place; whoever gets none so often is kept from it. */
const mostAttempts = 1_000;

/** A noted place is believed so far beyond what stands there: entries were taken away, and the chain goes on after them, so that the gap shows. */
const mostGone = 10_000;

/** The last place. What `audit/tail.json` notes spares listing the log, and keeps the places of entries that were taken away. */
export async function auditTail(store: ObjectStore): Promise<ChainPlace> {
  const noted = await readSoundJson(store, auditKeys.tail, tailSchema, () => undefined);
  const isThere = noted !== undefined && (await store.get(auditKeys.entry(noted.seq))) !== undefined;
  let last = isThere ? noted.seq : 0;
  for await (const { key } of store.list(auditKeys.log, isThere ? { after: auditKeys.entry(last) } : {}))
    last = seqOfKey(key) ?? last;
  if (noted !== undefined && noted.seq > last && noted.seq - last <= mostGone) return noted;
  if (last === 0) return { seq: 0, digest: firstPrevious };
  const bytes = await store.get(auditKeys.entry(last));
  if (bytes === undefined)
    throw failure('StoreUnavailable', 'the last entry of the audit log went away while it was read');
  return { seq: last, digest: digestOf(bytes) };
}

/** After which place the entries of an act are; undefined for one that was never asked for. Where that is damaged, they may be anywhere. */
async function begunAfter(store: ObjectStore, actId: string): Promise<number | undefined> {
  let isDamaged = false;
  const begun = await readSoundJson(store, auditKeys.act(actId), actSchema, () => (isDamaged = true));
  return isDamaged ? 0 : begun?.afterSeq;
}

/** Notes where the entries of an act begin. Of writers at once all get the same place. */
async function begin(store: ObjectStore, actId: string): Promise<void> {
  if ((await begunAfter(store, actId)) !== undefined) return;
  const { seq } = await auditTail(store);
  await store.putIfAbsent(auditKeys.act(actId), jsonBytes({ afterSeq: seq }));
}

/** What the log says of an act so far, oldest first; entries that cannot be read are passed over. Empty for one that was never asked for. */
export async function readAct(store: ObjectStore, actId: string): Promise<readonly AuditEntry[]> {
  const afterSeq = await begunAfter(store, actId);
  if (afterSeq === undefined) return [];
  const entries: AuditEntry[] = [];
  const options = afterSeq === 0 ? {} : { after: auditKeys.entry(afterSeq) };
  for await (const { key } of store.list(auditKeys.log, options)) {
    if (seqOfKey(key) === undefined) continue;
    const entry = await readSoundJson(store, key, auditEntrySchema, () => undefined);
    if (entry?.actId === actId) entries.push(entry);
  }
  return entries;
}

/**
 * Appends what became of an act to the audit log, the one writer of it. The same act and outcome again changes nothing and gives what stands there. Of
 * writers at once each gets a place of its own. `InvalidInput` for what is no entry, `StoreUnavailable` where it could not be written.
 */
export async function recordAct({ store, clock }: AuditPorts, given: AuditWord): Promise<AuditEntry> {
  const word = auditWord(given);
  const checked = auditEntrySchema.safeParse({ ...word, seq: 1, atMs: 0, previous: firstPrevious });
  if (!checked.success)
    throw failure(
      'InvalidInput',
      `audit: ${checked.error.issues[0]?.path.join('.')}: ${checked.error.issues[0]?.message}`,
    );
  await begin(store, word.actId);
  const known = (await readAct(store, word.actId)).find(({ outcome }) => outcome === word.outcome);
  if (known !== undefined) return known;
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const tail = await auditTail(store);
    const entry: AuditEntry = { seq: tail.seq + 1, atMs: clock(), ...word, previous: tail.digest };
    const bytes = jsonBytes(entry);
    if ((await store.putIfAbsent(auditKeys.entry(entry.seq), bytes)) === 'created') {
      await noteTail(store, { seq: entry.seq, digest: digestOf(bytes) });
      return entry;
    }
    const meanwhile = (await readAct(store, word.actId)).find(({ outcome }) => outcome === word.outcome);
    if (meanwhile !== undefined) return meanwhile;
  }
  throw failure('StoreUnavailable', `expected a place in the audit log, got none in ${mostAttempts} attempts`);
}

/** The entry stands: what only spares reading may fail. */
async function noteTail(store: ObjectStore, tail: ChainPlace): Promise<void> {
  try {
    await store.put(auditKeys.tail, jsonBytes(tail));
  } catch (error) {
    if (!isFailure(error, 'StoreUnavailable')) throw error;
  }
}

export interface AuditQuestion {
  /** Only entries before this one; default: all. */
  readonly before?: number | undefined;
  readonly limit: number;
  readonly isWanted: (entry: AuditEntry) => boolean;
}

export interface AuditPage {
  /** Newest first. */
  readonly entries: readonly AuditEntry[];
  /** What `before` is for the next page; null: the first entry was reached. */
  readonly next: number | null;
}

const readsAtOnce = 16;
/** Of a page at most so many are read; the next one goes on. */
const mostRead = 4_096;

/** Entries newest first, some read at a time. */
export async function readAuditPage(
  store: ObjectStore,
  { before, limit, isWanted }: AuditQuestion,
  onDamage: OnDamage,
): Promise<AuditPage> {
  let next = Math.min(before ?? Number.MAX_SAFE_INTEGER, (await auditTail(store)).seq + 1) - 1;
  const entries: AuditEntry[] = [];
  for (let read = 0; next > 0 && read < mostRead; read += readsAtOnce) {
    const seqs = Array.from({ length: Math.min(readsAtOnce, next) }, (_, index) => next - index);
    const found = await inParallel(seqs, readsAtOnce, (seq) =>
      readSoundJson(store, auditKeys.entry(seq), auditEntrySchema, onDamage),
    );
    for (const [index, entry] of found.entries()) {
      next = (seqs[index] ?? 1) - 1;
      if (entry !== undefined && isWanted(entry)) entries.push(entry);
      if (entries.length === limit) return { entries, next: next === 0 ? null : next + 1 };
    }
  }
  return { entries, next: next === 0 ? null : next + 1 };
}
