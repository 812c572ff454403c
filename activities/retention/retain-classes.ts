import { whyKept, type Needs, type RetentionClass, type RetentionLimits } from '../../domain/retention.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import type { ObjectEntry, ObjectStore } from '../../store/object-store.ts';
import { quarantineRecordSchema } from '../collection/quarantine.ts';
import type { Progress } from '../ports/progress.ts';
import { ClassTally, type ClassReport } from './class-tally.ts';
import { readHeldData, type HeldData } from './held-data.ts';
import { whyTelemetryHeld } from './telemetry-held.ts';

export interface ClassSweep {
  readonly store: ObjectStore;
  readonly progress: Progress;
  readonly policy: string;
  readonly limits: RetentionLimits;
  readonly needs: Needs;
  readonly nowMs: number;
  readonly dayMs: number;
  readonly dryRun: boolean;
}

/** A sweep of one folder, with the holds as they stood when it began. */
interface FolderSweep extends ClassSweep {
  readonly held: HeldData;
}

/** Whether a hold covers a quarantined content, by its key without ending: its record may be gone before its bytes. */
type Judged = Map<string, string | undefined>;

/** Objects that one call takes of a class: the next one goes on. */
export const mostOfClass = 5_000;

/** An object of a class: when it came to be, whose it is, and why a hold keeps it. */
interface Found {
  readonly atMs: number;
  readonly id?: string;
  readonly whyHeld?: (entry: ObjectEntry) => Promise<string | undefined>;
}

interface ClassFolder {
  readonly class: Exclude<RetentionClass, 'frames' | 'media' | 'trainingSets'>;
  readonly prefix: (sweep: ClassSweep) => string;
  /** Undefined: not of the class, it stays for ever. */
  readonly find: (entry: ObjectEntry, sweep: FolderSweep, judged: Judged) => Found | undefined;
}

const folders: readonly ClassFolder[] = [
  {
    class: 'telemetry',
    prefix: ({ policy }) => `telemetry/${policy}/`,
    find: ({ key }, { store, held }) => {
      const endMs = hourEndMs(key);
      return endMs === undefined ? undefined : { atMs: endMs, whyHeld: () => whyTelemetryHeld(store, key, held) };
    },
  },
  {
    class: 'telemetry',
    prefix: ({ policy }) => `telemetry-summaries/${policy}/`,
    find: ({ key }, { held }) => {
      const endMs = hourEndMs(key.replace(/\.json$/, '/'));
      return endMs === undefined ? undefined : { atMs: endMs, whyHeld: async () => held.any };
    },
  },
  {
    class: 'quarantine',
    prefix: () => 'quarantine/',
    find: ({ key, modifiedMs }, { store, held }, judged) => ({
      atMs: modifiedMs,
      whyHeld: () => whyQuarantineHeld(store, key, held, judged),
    }),
  },
  {
    class: 'quarantine',
    prefix: () => 'removed/',
    find: ({ key, modifiedMs }, { held }) => ({
      atMs: modifiedMs,
      whyHeld: async () => held.robots.get(key.split('/')[1] ?? '') ?? firstOf(held.sites, held.episodes),
    }),
  },
  {
    class: 'verdicts',
    prefix: () => 'trials/',
    find: ({ key, modifiedMs }) => {
      const id = /^trials\/([^/]+)\/(?:verdicts|cells)\//.exec(key)?.[1];
      return id === undefined ? undefined : { atMs: modifiedMs, id };
    },
  },
  {
    class: 'reports',
    prefix: () => 'reports/',
    find: ({ key, modifiedMs }) => {
      const id = /^reports\/(.+)\.(?:json|html)$/.exec(key)?.[1];
      return id === undefined ? undefined : { atMs: modifiedMs, id };
    },
  },
  {
    class: 'imports',
    prefix: () => 'imports/',
    // Without them an import lands its segments again, which the collection knows by their content.
    find: ({ modifiedMs }) => ({ atMs: modifiedMs }),
  },
  {
    class: 'agents',
    prefix: () => 'agents/',
    find: ({ key, modifiedMs }, { held }) => {
      const id = /^agents\/([^/]+)\.json$/.exec(key)?.[1];
      if (id === undefined) return undefined;
      return { atMs: modifiedMs, id, whyHeld: async () => held.robots.get(id) };
    },
  },
];

/**
 * Takes away what is older than its class is kept and nothing needs any more; only counts in a dry run. Idempotent: what went is
 * gone. `isBehind`: there was more than one call does.
 */
export async function retainClasses(
  sweep: ClassSweep,
): Promise<{ readonly classes: readonly ClassReport[]; readonly isBehind: boolean }> {
  const tallies = new Map<RetentionClass, ClassTally>();
  for (const folder of folders) {
    const tally = tallies.get(folder.class) ?? new ClassTally(folder.class, sweep.limits[folder.class]);
    tallies.set(folder.class, tally);
    if (sweep.limits[folder.class] !== null) await sweepFolder(sweep, folder, tally);
  }
  const all = [...tallies.values()];
  return { classes: all.map((tally) => tally.report()), isBehind: all.some(({ objects }) => objects >= mostOfClass) };
}

async function sweepFolder(sweep: ClassSweep, folder: ClassFolder, tally: ClassTally): Promise<void> {
  const { store, dryRun, progress } = sweep;
  // A hold may have come since the sweep began.
  const held = await readHeldData(store);
  const judged: Judged = new Map();
  for await (const entry of store.list(folder.prefix(sweep))) {
    if (tally.objects >= mostOfClass) return;
    const found = folder.find(entry, { ...sweep, held }, judged);
    if (found === undefined) continue;
    const why = whyKept({ class: folder.class, atMs: found.atMs, id: found.id }, sweep);
    if (why === 'young') continue;
    progress({ stage: 'looking at old data', class: folder.class });
    const kept = why ?? (await whyHeld(held, found, entry));
    if (kept !== undefined) {
      tally.stays(kept);
      continue;
    }
    if (!dryRun) await store.delete(entry.key);
    tally.goes(found.atMs, entry.sizeBytes);
  }
}

/** What holds data of every robot is held by any hold. */
async function whyHeld(held: HeldData, found: Found, entry: ObjectEntry): Promise<string | undefined> {
  if (held.any === undefined || held.everything !== undefined) return held.everything;
  return found.whyHeld === undefined ? held.any : found.whyHeld(entry);
}

/** End of the hour that a key of telemetry names: `…/2026-11-22/07/…`. */
function hourEndMs(key: string): number | undefined {
  const [, day, hour] = /\/(\d{4}-\d{2}-\d{2})\/(\d{2})\/[^/]*$/.exec(key) ?? [];
  const startMs = Date.parse(`${day}T${hour}:00:00Z`);
  return Number.isNaN(startMs) ? undefined : startMs + 3_600_000;
}

const firstOf = (...covered: readonly ReadonlyMap<string, string>[]): string | undefined =>
  covered.flatMap((map) => [...map.values()].slice(0, 1))[0];

async function whyQuarantineHeld(
  store: ObjectStore,
  key: string,
  held: HeldData,
  judged: Judged,
): Promise<string | undefined> {
  const name = key.replace(/\.[a-z]+$/, '');
  if (!judged.has(name)) judged.set(name, await whyRecordHeld(store, `${name}.json`, held));
  return judged.get(name);
}

/** By the record beside the bytes. A whole segment may hold episodes that it does not name, and those of another site. */
async function whyRecordHeld(store: ObjectStore, key: string, held: HeldData): Promise<string | undefined> {
  const record = await readSoundJson(store, key, quarantineRecordSchema, () => undefined);
  if (record === undefined) return held.any;
  const ofRobot = held.robots.get(record.robotId);
  if (ofRobot !== undefined) return ofRobot;
  if (record.scope === 'segment' || held.sites.size > 0) return firstOf(held.sites, held.episodes);
  for (const { episodeId } of record.violations) {
    const why = held.episodes.get(episodeId ?? '');
    if (why !== undefined) return why;
  }
  return undefined;
}
