import { z } from 'zod';

import { dictionary } from '../../domain/dictionary.ts';
import { dictionarySchema } from '../../domain/dictionary-schema.ts';
import { heldAt } from '../../domain/facts/place.ts';
import { openHourMs, readSoundRobotLife, type RobotRecord } from '../../fleet/desk/index.ts';
import { telemetryHour } from '../../fleet/desk/keys.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readErasedEpisodes, readTombstones, type ErasureRequest } from '../../store/records/erasures.ts';
import type { Progress } from '../ports/progress.ts';
import type { HeldData } from '../retention/held-data.ts';
import { closedHours, isBeingPutTogether, type Hour } from '../retention/telemetry-compaction.ts';
import { whyTelemetryHeld } from '../retention/telemetry-held.ts';
import { textOf } from './find-texts.ts';
import { withoutLateLines, type LateRules } from './late-lines.ts';
import { replaceTelemetry } from './replace-telemetry.ts';

const count = z.int().min(0);
/** How far telemetry that came after erasures was looked through: `retention/erased/<policy>.json`. */
const sweptSchema = z.strictObject({
  /** Every hour before it was looked through. */
  throughMs: count,
  /** Erasures that were known then, with how many entries went. */
  erasures: dictionarySchema(z.strictObject({ entries: count })),
  /** Hours of before with lines that a legal hold keeps: they go when it is lifted. */
  held: z.array(z.string()),
});
type LateSwept = z.infer<typeof sweptSchema>;

const keyOf = (policy: string): string => `retention/erased/${policy}.json`;

/** One that is damaged is none: everything is looked through again. */
const readSwept = (store: ObjectStore, key: string): Promise<LateSwept | undefined> =>
  readSoundJson(store, key, sweptSchema, () => undefined);

/** What every erasure took of late telemetry, over all policies; `throughMs`: looked through everywhere. Without those that no sweep met yet. */
export async function readLateSweeps(
  store: ObjectStore,
): Promise<ReadonlyMap<string, { readonly entries: number; readonly throughMs: number }>> {
  const sweeps = new Map<string, { entries: number; throughMs: number }>();
  for await (const { key } of store.list('retention/erased/')) {
    const swept = await readSwept(store, key);
    for (const [id, { entries }] of Object.entries(swept?.erasures ?? {})) {
      const known = sweeps.get(id);
      const throughMs = Math.min(known?.throughMs ?? Number.POSITIVE_INFINITY, swept?.throughMs ?? 0);
      sweeps.set(id, { entries: (known?.entries ?? 0) + entries, throughMs });
    }
  }
  return sweeps;
}

interface LateSweep {
  readonly store: ObjectStore;
  readonly progress: Progress;
  readonly policy: string;
  readonly nowMs: number;
  readonly dryRun: boolean;
  readonly held: HeldData;
}

/** Hours that one call looks through; and as many at most that holds keep. */
const mostHours = 1_000;
const hourMs = 3_600_000;

/**
 * Takes out of telemetry what robots told after an erasure of before it, hour by hour once gateways no longer write to it; the sums of these hours go too
 * and are made again. Does nothing where nothing was ever erased. Idempotent: what went is gone. `isBehind`: there are more hours than one call does.
 */
export async function sweepLateTelemetry(
  sweep: LateSweep,
): Promise<{ readonly entries: number; readonly objects: number; readonly isBehind: boolean }> {
  const { store, policy, nowMs, dryRun } = sweep;
  const requests = await readTombstones(store);
  if (requests.length === 0) return { entries: 0, objects: 0, isBehind: false };
  const before = await readSwept(store, keyOf(policy));
  const fromMs = startOf(before, requests);
  const rules = await rulesOf(store, requests);
  const held: string[] = [];
  const entries = new Map(requests.map(({ erasureId }) => [erasureId, knownEntries(before, erasureId)]));
  let [hours, objects, total, throughMs, isBehind] = [0, 0, 0, openHourMs(nowMs), false];
  for await (const hour of hoursOf(sweep, fromMs, before?.held ?? [])) {
    const startMs = hour.endMs - hourMs;
    // What is being put together is named by keys: an hour later that is over.
    if (hours >= mostHours || held.length >= mostHours || (await isBeingPutTogether(store, policy, hour.hour))) {
      if (startMs >= fromMs) [throughMs, isBehind] = [startMs, hours >= mostHours];
      else held.push(hour.hour);
      if (startMs >= fromMs) break;
      continue;
    }
    hours += 1;
    const done = await sweepHour(sweep, hour, rules);
    objects += done.objects;
    if (done.isHeld) held.push(hour.hour);
    for (const [erasureId, count] of done.entries) {
      total += count;
      entries.set(erasureId, (entries.get(erasureId) ?? 0) + count);
    }
  }
  const erasures = dictionary([...entries].map(([id, count]) => [id, { entries: count }] as const));
  if (!dryRun) await store.put(keyOf(policy), jsonBytes({ throughMs, erasures, held } satisfies LateSwept));
  return { entries: total, objects, isBehind };
}

const knownEntries = (swept: LateSwept | undefined, erasureId: string): number =>
  swept !== undefined && Object.hasOwn(swept.erasures, erasureId) ? (swept.erasures[erasureId]?.entries ?? 0) : 0;

/** An erasure that was not known begins with its own hour. */
function startOf(before: LateSwept | undefined, requests: readonly ErasureRequest[]): number {
  const starts = requests.flatMap(({ erasureId, recordedBeforeMs }) =>
    before !== undefined && Object.hasOwn(before.erasures, erasureId)
      ? []
      : Math.floor(recordedBeforeMs / hourMs) * hourMs,
  );
  return Math.min(...starts, before?.throughMs ?? Number.POSITIVE_INFINITY);
}

async function* hoursOf({ store, policy, nowMs }: LateSweep, fromMs: number, held: readonly string[]) {
  const again = new Set(held);
  const oldest = [telemetryHour(fromMs), ...held].toSorted()[0] ?? '';
  for await (const hour of closedHours(store, policy, openHourMs(nowMs), oldest))
    if (hour.endMs > fromMs || again.has(hour.hour)) yield hour;
}

async function rulesOf(store: ObjectStore, requests: readonly ErasureRequest[]): Promise<LateRules & Lives> {
  const hashes = new Map<string, string>();
  for (const { erasureId } of requests)
    for (const hash of await readErasedEpisodes(store, erasureId)) hashes.set(hash, erasureId);
  const lives = new Map<string, readonly RobotRecord[]>();
  const siteAt = (robotId: string, atMs: number): string | undefined => heldAt(lives.get(robotId) ?? [], atMs)?.site;
  return { requests, hashes, siteAt, lives };
}

interface Lives {
  readonly lives: Map<string, readonly RobotRecord[]>;
}

async function sweepHour(
  { store, policy, progress, dryRun, held }: LateSweep,
  { hour, keys }: Hour,
  rules: LateRules & Lives,
): Promise<{ readonly entries: ReadonlyMap<string, number>; readonly objects: number; readonly isHeld: boolean }> {
  const entries = new Map<string, number>();
  let [objects, isHeld] = [0, false];
  for (const key of keys) {
    progress({ stage: 'looking for what was told late', key });
    const text = await textOf(store, key);
    if (rules.requests.some(({ target }) => target.kind === 'site')) await readLives(store, text, rules.lives);
    const left = withoutLateLines(text, rules);
    if (left.entries.size === 0) continue;
    if (held.any !== undefined && (await whyTelemetryHeld(store, key, held)) !== undefined) {
      isHeld = true;
      continue;
    }
    for (const [erasureId, count] of left.entries) entries.set(erasureId, (entries.get(erasureId) ?? 0) + count);
    objects += 1;
    if (!dryRun) await replaceTelemetry(store, key, left.text);
  }
  if (objects > 0 && !dryRun)
    for await (const { key } of store.list(`telemetry-summaries/${policy}/`))
      if (key.endsWith(`/${hour}.json`)) await store.delete(key);
  return { entries, objects, isHeld };
}

/** Where the robots of an object were, each once a sweep. */
async function readLives(store: ObjectStore, text: string, lives: Lives['lives']): Promise<void> {
  for (const [, robotId = ''] of text.matchAll(/"robotId":"([A-Za-z0-9._-]{1,200})"/g))
    if (!lives.has(robotId)) lives.set(robotId, await readSoundRobotLife(store, robotId, () => undefined));
}
