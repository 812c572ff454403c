import { clipKey } from '../../datasets/camera.ts';
import { readRobots } from '../../fleet/desk/index.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import type { ObjectEntry, ObjectStore } from '../../store/object-store.ts';
import { clipPartIn, clipPartsPrefix } from '../../store/records/clip-parts.ts';
import { clipUseIn, clipUseKey, clipUseSchema, clipUsesPrefix } from '../../store/records/clip-uses.ts';
import {
  awaitedClipsPrefix,
  clipNoteIn,
  clipNoteStartedUs,
  clipVerdictsPrefix,
} from '../../store/records/clip-verdicts.ts';
import { isErasedClip, markClipErased } from '../../store/records/erased-clips.ts';
import { episodeHash } from '../../store/records/erasures.ts';
import type { Progress } from '../ports/progress.ts';
import type { HeldData } from '../retention/held-data.ts';
import type { ErasedRows } from './erased-rows.ts';
import type { Found } from './found.ts';

type FoundMedia = NonNullable<Found['media']>;

interface Ports {
  readonly store: ObjectStore;
  readonly progress: Progress;
}

/** Whether a record of whose a clip is goes with a request. Of one that cannot be read its key tells, and when it was written. */
export async function isErasedUse(store: ObjectStore, entry: ObjectEntry, erased: ErasedRows): Promise<boolean> {
  const named = clipUseIn(entry.key);
  if (named === undefined) return false;
  const { request, hashes } = erased;
  const { target } = request;
  if (target.kind === 'robot' && target.robotId !== named.robotId) return false;
  if (target.kind === 'episodes') return hashes.has(episodeHash(named.episodeId));
  const use = await readSoundJson(store, entry.key, clipUseSchema, () => undefined);
  const { site, startedAtUs = entry.modifiedMs * 1_000 } = use ?? {};
  return isErasedClip(request, hashes, { ...named, site, startedAtUs });
}

/** Whether a part of an unfinished clip goes: of a robot by its folder, of a site by where the robot is registered. */
function isErasedPart({ key, modifiedMs }: ObjectEntry, { request }: ErasedRows, robots: ReadonlySet<string>): boolean {
  const part = clipPartIn(key);
  return part !== undefined && robots.has(part.robotId) && modifiedMs < request.recordedBeforeMs;
}

const notePrefixes = [awaitedClipsPrefix, clipVerdictsPrefix];
const isNote = (key: string): boolean => notePrefixes.some((prefix) => key.startsWith(prefix));

/** Whether what a collection noted of a clip goes. It does not say where the robot stood: a site's robots are those that are registered there. */
async function isErasedNote(
  store: ObjectStore,
  { key, modifiedMs }: ObjectEntry,
  { request, hashes }: ErasedRows,
  robots: ReadonlySet<string>,
): Promise<boolean> {
  const named = clipNoteIn(key);
  if (named === undefined) return false;
  if (request.target.kind === 'episodes') return hashes.has(episodeHash(named.episodeId));
  if (!robots.has(named.robotId)) return false;
  const startedUs = (await clipNoteStartedUs(store, key)) ?? modifiedMs * 1_000;
  return startedUs / 1_000 < request.recordedBeforeMs;
}

async function robotsOf(store: ObjectStore, { target }: ErasedRows['request']): Promise<ReadonlySet<string>> {
  if (target.kind === 'robot') return new Set([target.robotId]);
  if (target.kind !== 'site') return new Set();
  const robots = [...(await readRobots(store)).values()];
  return new Set(robots.flatMap(({ robotId, site }) => (site === target.site ? robotId : [])));
}

/** Clips that the request names: the records of whose they are, the bytes nobody else has a record of, quarantined ones, parts, and notes. */
export async function findMedia(ports: Ports, erased: ErasedRows): Promise<FoundMedia> {
  const { store, progress } = ports;
  const [uses, parts, clips]: [string[], string[], Set<string>] = [[], [], new Set()];
  for await (const entry of store.list(clipUsesPrefix)) {
    progress({ stage: 'reading records of clips', key: entry.key });
    if (!(await isErasedUse(store, entry, erased))) continue;
    uses.push(entry.key);
    clips.add(clipUseIn(entry.key)?.sha256 ?? '');
  }
  const gone = new Set(uses);
  const owned = await ownedBeside(store, clips, gone);
  const going = new Set([...clips].filter((sha256) => !owned.has(sha256)));
  const quarantined: string[] = [];
  if (going.size > 0)
    for await (const { key } of store.list('quarantine/'))
      if (going.has(quarantinedClip(key) ?? '')) quarantined.push(key);
  const robots = await robotsOf(store, erased.request);
  if (robots.size > 0)
    for await (const entry of store.list(clipPartsPrefix))
      if (isErasedPart(entry, erased, robots)) parts.push(entry.key);
  const notes: string[] = [];
  for (const prefix of notePrefixes)
    for await (const entry of store.list(prefix)) {
      const named = clipNoteIn(entry.key);
      const isOfUse = named !== undefined && gone.has(clipUseKey(named));
      if (isOfUse || (await isErasedNote(store, entry, erased, robots))) notes.push(entry.key);
    }
  return { uses, clips: [...going].map(clipKey), quarantined, parts, notes };
}

/** A clip and its record lie in quarantine under the clip's own digest. */
const quarantinedClip = (key: string): string | undefined =>
  /^quarantine\/(?:[^/]+\/)*([0-9a-f]{64})\.(?:mp4|json)$/.exec(key)?.[1];

/** Of these clips those that another record names. */
async function ownedBeside(
  store: ObjectStore,
  clips: ReadonlySet<string>,
  gone: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const owned = new Set<string>();
  if (clips.size === 0) return owned;
  for await (const { key } of store.list(clipUsesPrefix)) {
    const sha256 = clipUseIn(key)?.sha256;
    if (sha256 !== undefined && clips.has(sha256) && !gone.has(key)) owned.add(sha256);
  }
  return owned;
}

/**
 * Takes away what {@link findMedia} found. First a mark that the robot may not bring the clip again, then the record, then the bytes, unless somebody
 * brought them since. Idempotent: what is gone is passed over.
 */
export async function eraseMedia(ports: Ports, { request }: ErasedRows, found: FoundMedia | undefined): Promise<void> {
  if (found === undefined) return;
  const { store, progress } = ports;
  for (const key of [...found.parts, ...found.notes]) await store.delete(key);
  for (const key of found.uses) {
    progress({ stage: 'erasing clips', key });
    const use = clipUseIn(key);
    if (use !== undefined) await markClipErased(store, use.robotId, use.sha256, request.erasureId);
    await store.delete(key);
  }
  const clips = new Map(found.clips.map((key) => [/([0-9a-f]{64})\.mp4$/.exec(key)?.[1] ?? '', key]));
  const owned = await ownedBeside(store, new Set(clips.keys()), new Set());
  for (const [sha256, key] of clips) if (!owned.has(sha256)) await store.delete(key);
  for (const key of found.quarantined) if (!owned.has(quarantinedClip(key) ?? '')) await store.delete(key);
}

/** Why a hold keeps any of it; undefined: none does. */
export async function whyMediaHeld(
  store: ObjectStore,
  found: FoundMedia | undefined,
  held: HeldData,
): Promise<string | undefined> {
  for (const key of found?.uses ?? []) {
    const why = await whyUseHeld(store, key, held);
    if (why !== undefined) return why;
  }
  for (const key of [...(found?.parts ?? []), ...(found?.notes ?? [])]) {
    const note = clipNoteIn(key);
    const robotId = (clipPartIn(key) ?? note)?.robotId ?? '';
    const why = held.robots.get(robotId) ?? held.episodes.get(note?.episodeId ?? '');
    if (why !== undefined) return why;
  }
  return undefined;
}

/** Why a hold keeps a record of whose a clip is, and so the clip. One that cannot be read may be of any site. */
export async function whyUseHeld(store: ObjectStore, key: string, held: HeldData): Promise<string | undefined> {
  if (held.any === undefined || held.everything !== undefined) return held.everything;
  const named = clipUseIn(key);
  if (named === undefined) return held.any;
  const byName = held.robots.get(named.robotId) ?? held.episodes.get(named.episodeId);
  if (byName !== undefined || held.sites.size === 0) return byName;
  const use = await readSoundJson(store, key, clipUseSchema, () => undefined);
  return use === undefined ? held.any : held.sites.get(use.site ?? '');
}

/** Asks of an object that is left whether it should have gone, by what lies there and not by what was found; undefined: it is no clip. */
export async function mediaChecker(
  { store }: Ports,
  erased: ErasedRows,
  foundClips: readonly string[],
): Promise<(entry: ObjectEntry) => Promise<'clean' | 'left' | undefined>> {
  const robots = await robotsOf(store, erased.request);
  const going = new Set(foundClips.map((key) => /([0-9a-f]{64})\.mp4$/.exec(key)?.[1] ?? ''));
  const owned = await ownedBeside(store, going, new Set());
  return async (entry) => {
    const { key } = entry;
    if (key.startsWith(clipUsesPrefix)) return (await isErasedUse(store, entry, erased)) ? 'left' : 'clean';
    if (key.startsWith(clipPartsPrefix)) return isErasedPart(entry, erased, robots) ? 'left' : 'clean';
    if (isNote(key)) return (await isErasedNote(store, entry, erased, robots)) ? 'left' : 'clean';
    const sha256 = /^media\/([0-9a-f]{64})\.mp4$/.exec(key)?.[1] ?? quarantinedClip(key);
    if (sha256 === undefined) return undefined;
    return going.has(sha256) && !owned.has(sha256) ? 'left' : key.endsWith('.mp4') ? 'clean' : undefined;
  };
}
