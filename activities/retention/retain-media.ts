import { clipKey } from '../../datasets/camera.ts';
import { ageMs, defaultRetentionRules, whyKept } from '../../domain/retention.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import type { ObjectEntry, ObjectStore } from '../../store/object-store.ts';
import { clipPartIn, clipPartKey, clipPartsPrefix } from '../../store/records/clip-parts.ts';
import { clipUseIn, clipUseSchema, clipUsesPrefix } from '../../store/records/clip-uses.ts';
import { forgetClip } from '../../store/records/clip-verdicts.ts';
import { whyUseHeld } from '../erasure/find-media.ts';
import type { Lake } from '../lake/lake.ts';
import type { SqlEngine } from '../ports/sql.ts';
import { ClassTally, type ClassReport } from './class-tally.ts';
import { readHeldData, type HeldData } from './held-data.ts';
import { mostOfClass, type ClassSweep } from './retain-classes.ts';

interface MediaSweep extends ClassSweep {
  readonly held: HeldData;
}

/** Objects and bytes that went, or in a dry run would go. */
export interface Went {
  readonly objects: number;
  readonly bytes: number;
}

export interface MediaResult {
  readonly media: ClassReport;
  /** Parts of clips that nobody continues. */
  readonly parts: Went;
  /** Clips that no record names any more, or whose episode never came. */
  readonly orphans: Went;
  readonly isBehind: boolean;
}

/** Which episodes of these are in the lake. */
export type EpisodesInLake = (ids: readonly string[]) => Promise<ReadonlySet<string>>;

const idsAtOnce = 1_000;

/** Asks the newest version of the lake. */
export const episodesInLake =
  ({ lake, engine }: { readonly lake: Lake; readonly engine: SqlEngine }): EpisodesInLake =>
  async (ids) => {
    const version = await lake.currentVersion();
    const episodes = await lake.scan('episodes', version.episodes);
    const session = await engine.open();
    try {
      const found = new Set<string>();
      for (let from = 0; from < ids.length; from += idsAtOnce) {
        const some = ids.slice(from, from + idsAtOnce).map(sqlText);
        const rows = await session.rows(
          `SELECT DISTINCT episode_id FROM ${episodes} WHERE episode_id IN (${some.join(', ')})`,
        );
        for (const { episode_id: id } of rows) found.add(id as string);
      }
      return found;
    } finally {
      await session.close();
    }
  };

/**
 * Takes away clips that are older than their class is kept, which is as long as frames unless a person says otherwise; parts that nobody continues; and
 * clips of nobody. What a hold or a need covers stays, and is told. Idempotent: what went is gone.
 */
export async function retainMedia(sweep: ClassSweep, episodesInLake: EpisodesInLake): Promise<MediaResult> {
  const own: MediaSweep = { ...sweep, held: await readHeldData(sweep.store) };
  const media = await retainUses(own);
  const parts = await sweepParts(own);
  const orphans = await sweepOrphans(own, episodesInLake);
  const isBehind = [media, parts, orphans].some(({ objects }) => objects >= mostOfClass);
  return { media, parts, orphans, isBehind };
}

/** Without a limit of their own clips are kept as long as frames. */
const mediaLimit = ({ limits }: ClassSweep): number | null => limits.media ?? limits.frames;

async function retainUses(sweep: MediaSweep): Promise<ClassReport> {
  const { store, dryRun, progress } = sweep;
  const limitDays = mediaLimit(sweep);
  const tally = new ClassTally('media', limitDays);
  if (limitDays === null) return tally.report();
  const limits = { ...sweep.limits, media: limitDays };
  const going = new Map<string, { readonly atMs: number; readonly sizeBytes: number }>();
  for await (const entry of store.list(clipUsesPrefix)) {
    if (tally.objects >= mostOfClass) break;
    const named = clipUseIn(entry.key);
    if (named === undefined) continue;
    // What was received of late may have been recorded long ago; nothing is older than it was received late.
    const use = await readSoundJson(store, entry.key, clipUseSchema, () => undefined);
    const atMs = Math.min((use?.startedAtUs ?? entry.modifiedMs * 1_000) / 1_000, entry.modifiedMs);
    const why = whyKept({ class: 'media', atMs }, { ...sweep, limits });
    if (why === 'young') continue;
    progress({ stage: 'looking at old data', class: 'media' });
    const kept = why ?? (await whyUseHeld(store, entry.key, sweep.held));
    if (kept !== undefined) {
      tally.stays(kept);
      continue;
    }
    if (!dryRun) {
      await forgetClip(store, named);
      await store.delete(entry.key);
    }
    const sizeBytes = use?.sizeBytes ?? 0;
    tally.goes(atMs, going.has(named.sha256) ? 0 : sizeBytes);
    going.set(named.sha256, { atMs, sizeBytes });
  }
  if (!dryRun) await deleteUnowned(store, new Set(going.keys()));
  return tally.report();
}

/** Deletes those of the clips that no record names. */
async function deleteUnowned(store: ObjectStore, clips: ReadonlySet<string>): Promise<void> {
  const owned = await ownersOf(store, clips);
  for (const sha256 of clips) if (!owned.has(sha256)) await store.delete(clipKey(sha256));
}

interface Use {
  readonly key: string;
  readonly episodeId: string;
  readonly modifiedMs: number;
}

/** The records of these clips, by clip. */
async function ownersOf(store: ObjectStore, clips: ReadonlySet<string>): Promise<ReadonlyMap<string, readonly Use[]>> {
  const owners = new Map<string, Use[]>();
  if (clips.size === 0) return owners;
  for await (const { key, modifiedMs } of store.list(clipUsesPrefix)) {
    const named = clipUseIn(key);
    if (named === undefined || !clips.has(named.sha256)) continue;
    owners.set(named.sha256, [...(owners.get(named.sha256) ?? []), { key, modifiedMs, episodeId: named.episodeId }]);
  }
  return owners;
}

/** An upload of which no part came for so long goes with all its parts: keys of one upload follow each other. */
async function sweepParts(sweep: MediaSweep): Promise<Went> {
  const beforeMs = sweep.nowMs - ageMs(defaultRetentionRules.clipPartDays, sweep.dayMs);
  const went = { objects: 0, bytes: 0 };
  let upload: { name: string; entries: ObjectEntry[]; robotId: string } | undefined;
  const end = async (): Promise<void> => {
    if (upload === undefined) return;
    const { entries, robotId } = upload;
    const isHeld = sweep.held.everything !== undefined || sweep.held.robots.has(robotId);
    if (isHeld || entries.some(({ modifiedMs }) => modifiedMs >= beforeMs)) return;
    for (const { key, sizeBytes } of entries) {
      if (!sweep.dryRun) await sweep.store.delete(key);
      went.objects += 1;
      went.bytes += sizeBytes;
    }
  };
  for await (const entry of sweep.store.list(clipPartsPrefix)) {
    const part = clipPartIn(entry.key);
    if (part === undefined) continue;
    const name = clipPartKey(part.robotId, part.sha256, 0);
    if (upload?.name !== name) {
      await end();
      if (went.objects >= mostOfClass) return went;
      upload = { name, entries: [], robotId: part.robotId };
    }
    upload.entries.push(entry);
  }
  await end();
  return went;
}

const hourMs = 3_600_000;
/** One sweep looks at a 256th of all clips, so that its memory does not grow with them. */
const slices = 256;

/** Clips of this hour's slice that are of nobody: no record names them, or no episode in the lake is any record's. */
async function sweepOrphans(sweep: MediaSweep, episodesInLake: EpisodesInLake): Promise<Went> {
  const { store, nowMs, dayMs } = sweep;
  const slice = (Math.floor(nowMs / hourMs) % slices).toString(16).padStart(2, '0');
  const clips = new Map<string, number>();
  const bornBeforeMs = nowMs - ageMs(defaultRetentionRules.clipPartDays, dayMs);
  for await (const { key, modifiedMs, sizeBytes } of store.list(`media/${slice}`)) {
    const sha256 = /^media\/([0-9a-f]{64})\.mp4$/.exec(key)?.[1];
    if (sha256 !== undefined && modifiedMs < bornBeforeMs) clips.set(sha256, sizeBytes);
  }
  const owners = await ownersOf(store, new Set(clips.keys()));
  const waitMs = ageMs(defaultRetentionRules.orphanClipDays, dayMs);
  const waited = [...owners].filter(([, uses]) => uses.every(({ modifiedMs }) => modifiedMs < nowMs - waitMs));
  // Frames that a limit took leave no episode behind: those clips go by the limit of their own.
  const ids = sweep.limits.frames === null ? waited.flatMap(([, uses]) => uses.map(({ episodeId }) => episodeId)) : [];
  const known = ids.length === 0 ? undefined : await episodesInLake(ids);
  const unnamed = new Set(known === undefined ? [] : waited.map(([sha256]) => sha256));
  const went = { objects: 0, bytes: 0 };
  for (const [sha256, bytes] of clips) {
    const uses = owners.get(sha256) ?? [];
    const isOrphan =
      uses.length === 0 || (unnamed.has(sha256) && uses.every(({ episodeId }) => !known?.has(episodeId)));
    if (!isOrphan || (await isHeld(sweep, uses))) continue;
    if (!sweep.dryRun) {
      for (const { key } of uses) await store.delete(key);
      await deleteUnowned(store, new Set([sha256]));
    }
    went.objects += 1;
    went.bytes += bytes;
  }
  return went;
}

/** Of a clip that no record names any hold may be the one that covers it. */
async function isHeld({ store, held }: MediaSweep, uses: readonly Use[]): Promise<boolean> {
  if (uses.length === 0) return held.any !== undefined;
  for (const { key } of uses) if ((await whyUseHeld(store, key, held)) !== undefined) return true;
  return false;
}
