import { z } from 'zod';

import { readSoundJson } from '../damaged-objects.ts';
import { inParallel } from '../in-parallel.ts';
import type { ObjectStore } from '../object-store.ts';
import { auditEntrySchema, auditKeys, digestOf, firstPrevious, seqOfKey } from './audit-entry.ts';
import type { ChainPlace } from './audit-log.ts';

/** The first place where the chain is not what was written. */
export interface ChainBreak {
  readonly seq: number;
  /** `missing`: it was there · `changed`: not what the next one was written after · `damaged`: no entry · `misplaced`: an entry of another place. */
  readonly kind: 'missing' | 'changed' | 'damaged' | 'misplaced';
  /** One sentence for a person. */
  readonly why: string;
}

export interface ChainVerdict {
  /** Up to here every entry is what the next one was written after; 0: none. */
  readonly verifiedSeq: number;
  /** Of that entry, to be noted elsewhere; null where the chain is broken, or has none. */
  readonly digest: string | null;
  readonly broken: ChainBreak | null;
}

const readsAtOnce = 16;

interface Stood {
  readonly seq: number;
  readonly bytes: Uint8Array | undefined;
}

/**
 * Reads the whole audit log and holds each entry against the one before it; memory does not grow with it. `expected` is a place somebody noted elsewhere:
 * the log must have that entry as it was. Without that, who can write the store can write a chain anew from any place on.
 */
export async function verifyAudit(store: ObjectStore, expected?: ChainPlace): Promise<ChainVerdict> {
  const tail = await readSoundJson(store, auditKeys.tail, placeSchema, () => undefined);
  // Before the entries are listed: what is begun meanwhile may be after all of them.
  const begun = await lastBegun(store);
  const noted = [tail, expected].filter((place) => place !== undefined);
  let verified: ChainPlace = { seq: 0, digest: firstPrevious };
  for await (const { seq, bytes } of entriesOf(store)) {
    const broken = breakAt(verified, { seq, bytes }, noted);
    if (broken !== undefined) return { verifiedSeq: broken.seq - 1, digest: null, broken };
    verified = { seq, digest: digestOf(bytes ?? new Uint8Array()) };
  }
  const last = Math.max(0, ...noted.map(({ seq }) => seq), begun);
  const { seq: verifiedSeq, digest } = verified;
  if (last <= verifiedSeq) return { verifiedSeq, digest: verifiedSeq === 0 ? null : digest, broken: null };
  const why = `expected ${last} entries at least, as was noted when they were written; the log ends after ${verified.seq}`;
  return { verifiedSeq, digest: null, broken: { seq: verifiedSeq + 1, kind: 'missing', why } };
}

const placeSchema = z.object({ seq: z.int().min(0), digest: z.string() });

function breakAt(verified: ChainPlace, { seq, bytes }: Stood, noted: readonly ChainPlace[]): ChainBreak | undefined {
  const expected = verified.seq + 1;
  if (seq !== expected || bytes === undefined)
    return { seq: expected, kind: 'missing', why: `entry ${expected} is gone; the next one there is ${seq}` };
  const entry = entryOf(bytes);
  if (entry === undefined) return { seq, kind: 'damaged', why: `what stands at ${seq} is no entry of an audit log` };
  if (entry.seq !== seq)
    return { seq, kind: 'misplaced', why: `at place ${seq} stands the entry of place ${entry.seq}` };
  if (entry.previous !== verified.digest) {
    const at = Math.max(1, seq - 1);
    return { seq: at, kind: 'changed', why: `entry ${at} is not the one after which entry ${seq} was written` };
  }
  const digest = digestOf(bytes);
  if (noted.some((place) => place.seq === seq && place.digest !== digest))
    return { seq, kind: 'changed', why: `entry ${seq} is not the one that was noted when it was written` };
  return undefined;
}

function entryOf(bytes: Uint8Array): { readonly seq: number; readonly previous: string } | undefined {
  try {
    return auditEntrySchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    return undefined;
  }
}

/** Entries by place, a few read at a time. */
async function* entriesOf(store: ObjectStore): AsyncGenerator<Stood> {
  let seqs: number[] = [];
  const readAll = (): Promise<readonly Stood[]> =>
    inParallel(seqs, readsAtOnce, async (seq) => ({ seq, bytes: await store.get(auditKeys.entry(seq)) }));
  for await (const { key } of store.list(auditKeys.log)) {
    const seq = seqOfKey(key);
    if (seq === undefined) continue;
    seqs.push(seq);
    if (seqs.length < readsAtOnce) continue;
    yield* await readAll();
    seqs = [];
  }
  yield* await readAll();
}

/** The highest place that an act was begun after: it was there then. */
async function lastBegun(store: ObjectStore): Promise<number> {
  const seen = { last: 0 };
  const schema = z.object({ afterSeq: z.int().min(0) });
  let keys: string[] = [];
  const read = async (): Promise<void> => {
    const begun = await inParallel(keys, readsAtOnce, (key) => readSoundJson(store, key, schema, () => undefined));
    seen.last = Math.max(seen.last, ...begun.map((one) => one?.afterSeq ?? 0));
    keys = [];
  };
  for await (const { key } of store.list(auditKeys.acts)) if (keys.push(key) >= readsAtOnce) await read();
  await read();
  return seen.last;
}
