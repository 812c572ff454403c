import { createHash } from 'node:crypto';

import { z } from 'zod';

import { jsonBytes, readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';

/** Telemetry objects lie at `telemetry/<policy>/<day>/<hour>/<sha256>`; those that were put together end in `.all`. */
const objectPattern = /^telemetry\/[^/]+\/(\d{4}-\d{2}-\d{2})\/(\d{2})\/([^/]+)$/;
const together = '.all';
/** A reader holds one object in memory. */
const mostBytes = 8 * 2 ** 20;
/** Whoever listed an hour before it was put together has read it by then. */
const readerMs = 3_600_000;

const planSchema = z.strictObject({ sources: z.array(z.string()), writtenAtMs: z.number() });
const planKey = (policy: string, hour: string): string => `retention/telemetry/${policy}/${hour}.json`;

export interface Hour {
  /** `2026-11-22/07`. */
  readonly hour: string;
  readonly endMs: number;
  /** Every object of the hour, in order. */
  readonly keys: readonly string[];
}

/** Whether objects of an hour were put together and are still to go. */
export const isBeingPutTogether = async (store: ObjectStore, policy: string, hour: string): Promise<boolean> =>
  (await store.get(planKey(policy, hour))) !== undefined;

/** Hours with telemetry of a policy that were over before `beforeMs`, oldest first; from `fromHour` on, `2026-11-22/07`, or all. */
export async function* closedHours(
  store: ObjectStore,
  policy: string,
  beforeMs: number,
  fromHour = '',
): AsyncGenerator<Hour> {
  let open: { hour: string; endMs: number; keys: string[] } | undefined;
  const prefix = `telemetry/${policy}/`;
  for await (const { key } of store.list(prefix, { after: `${prefix}${fromHour}` })) {
    const [, day, hour] = objectPattern.exec(key) ?? [];
    if (day === undefined || hour === undefined) continue;
    const name = `${day}/${hour}`;
    if (open?.hour !== name) {
      if (open !== undefined) yield open;
      const endMs = Date.parse(`${day}T${hour}:00:00Z`) + 3_600_000;
      if (endMs > beforeMs) return;
      open = { hour: name, endMs, keys: [] };
    }
    open.keys.push(key);
  }
  if (open !== undefined) yield open;
}

export interface Compaction {
  readonly kind: 'none' | 'written' | 'waits' | 'swept';
  readonly objects: number;
}

/**
 * Puts the objects of an hour together, at most 8 MiB each, in two steps: first the large ones and a note of what they hold are
 * written, and an hour later what they hold is deleted. In between readers see both, and count each entry once as ever. Idempotent:
 * a step that was cut short is done again. Lines stay byte for byte.
 */
export async function compactHour(
  store: ObjectStore,
  policy: string,
  { hour, keys }: Hour,
  { nowMs, isDryRun }: { readonly nowMs: number; readonly isDryRun: boolean },
): Promise<Compaction> {
  const noted = await readJson(store, planKey(policy, hour), planSchema);
  if (noted !== undefined) {
    const { sources, writtenAtMs } = noted;
    if (nowMs < writtenAtMs + readerMs) return { kind: 'waits', objects: sources.length };
    if (isDryRun) return { kind: 'swept', objects: sources.length };
    for (const key of sources) await store.delete(key);
    await store.delete(planKey(policy, hour));
    return { kind: 'swept', objects: sources.length };
  }
  const small = keys.filter((key) => !key.endsWith(together));
  if (small.length < 2) return { kind: 'none', objects: 0 };
  if (isDryRun) return { kind: 'written', objects: small.length };
  const sources = await writeTogether(store, `telemetry/${policy}/${hour}`, small);
  if (sources.length === 0) return { kind: 'none', objects: 0 };
  await store.put(planKey(policy, hour), jsonBytes({ sources, writtenAtMs: nowMs }));
  return { kind: 'written', objects: sources.length };
}

/** Gives the keys whose content was written. A damaged object stays alone: among others it would damage them for their readers. */
async function writeTogether(
  store: ObjectStore,
  folder: string,
  sources: readonly string[],
): Promise<readonly string[]> {
  const written: string[] = [];
  let parts: Uint8Array[] = [];
  let sizeBytes = 0;
  const flush = async (): Promise<void> => {
    if (parts.length === 0) return;
    const bytes = Buffer.concat(parts);
    [parts, sizeBytes] = [[], 0];
    const digest = createHash('sha256').update(bytes).digest('hex');
    await store.putIfAbsent(`${folder}/${digest}${together}`, bytes);
  };
  for (const key of sources) {
    const bytes = await store.get(key);
    if (bytes === undefined || !isWhole(bytes)) continue;
    written.push(key);
    if (bytes.length === 0) continue;
    if (sizeBytes + bytes.length > mostBytes) await flush();
    // A line that was cut short must not swallow the first one of the next object.
    parts.push(bytes, ...(bytes.at(-1) === newline ? [] : [Uint8Array.of(newline)]));
    sizeBytes += bytes.length + 1;
  }
  await flush();
  // A damaged hour is not looked through again and again for the sake of one object.
  return written.length < 2 ? [] : written;
}

function isWhole(bytes: Uint8Array): boolean {
  try {
    for (const line of new TextDecoder('utf-8', { fatal: true }).decode(bytes).split('\n'))
      if (line !== '') JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

const newline = 0x0a;
