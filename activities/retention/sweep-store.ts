import { z } from 'zod';

import { ageMs, defaultRetentionRules, whyKept } from '../../domain/retention.ts';
import { readRetentionLimits } from '../../store/records/retention-limits.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectEntry, ObjectStore } from '../../store/object-store.ts';
import { sweepLateTelemetry } from '../erasure/sweep-late-telemetry.ts';
import { compactLake } from '../lake/compact-lake.ts';
import type { Lake } from '../lake/lake.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlEngine } from '../ports/sql.ts';
import { ClassTally, type ClassReport } from './class-tally.ts';
import { readHeldData } from './held-data.ts';
import { mostOfClass, retainClasses, type ClassSweep } from './retain-classes.ts';
import { retainFrames } from './retain-frames.ts';
import { episodesInLake, retainMedia, type MediaResult } from './retain-media.ts';
import { sweepScratch } from './sweep-scratch.ts';
import { closedHours, compactHour } from './telemetry-compaction.ts';
import { readNeeds } from './what-is-needed.ts';

const inputSchema = z.strictObject({
  policy: z.string().min(1),
  /** Real length of a fleet day. */
  dayMs: z.int().min(24),
  dryRun: z.boolean(),
});
export type SweepStoreInput = z.input<typeof inputSchema>;

export interface SweepStoreResult {
  /** What went, or in a dry run what would: objects and bytes by kind. */
  readonly swept: readonly { readonly kind: SweepKind; readonly objects: number; readonly bytes: number }[];
  /** A few of their names. */
  readonly examples: readonly string[];
  /** There was more than one call does. */
  readonly isBehind: boolean;
  /** What became of each class that a person gives a limit; results of earlier versions do not say. */
  readonly classes?: readonly ClassReport[];
}

export type SweepKind =
  | 'trainingSets'
  | 'heldoutSets'
  | 'checkpoints'
  | 'scratch'
  | 'telemetryObjects'
  | 'lateTelemetry'
  | 'clipParts'
  | 'orphanClips'
  | 'smallLakeFiles'
  | 'lakeFiles'
  | ClassReport['class'];

export interface SweepPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly scratchDirectory: string;
  readonly lake: Lake;
  readonly engine: SqlEngine;
}

const mostObjects = 5_000;
const mostHours = 200;
const mostExamples = 20;
const setPattern = /^(training-sets|heldout-sets)\/([0-9a-f]{64})\/[^/]+\.arrow$/;
const checkpointPattern = /^training-runs\/[^/]+\/checkpoints\//;

/**
 * Takes away what nobody needs any more, by `domain/retention.ts` and the limits that a person set, and puts old telemetry and small files of the lake together.
 * What a registered model that may still be used, a trial that runs, the guard of a promotion, an open incident or a legal hold
 * needs stays, and is told. Models, logs, aliases and plans stay always. Idempotent: what went is gone.
 */
export const sweepStore =
  (ports: SweepPorts) =>
  async (given: SweepStoreInput): Promise<SweepStoreResult> => {
    const { policy, dayMs, dryRun } = parseActivityInput('sweepStore', inputSchema, given);
    const { store, progress } = ports;
    const nowMs = ports.clock();
    const tally = new Tally();
    const sweep: ClassSweep = {
      store,
      progress,
      policy,
      nowMs,
      dayMs,
      dryRun,
      limits: await readRetentionLimits(store),
      needs: await readNeeds(store, { nowMs, dayMs }),
    };
    const sets = await sweepSets(sweep, tally);
    const checkpointsBeforeMs = nowMs - ageMs(defaultRetentionRules.checkpointDays, dayMs);
    for await (const entry of store.list('training-runs/')) {
      if (!checkpointPattern.test(entry.key) || entry.modifiedMs >= checkpointsBeforeMs) continue;
      if (tally.isFull) break;
      await take(sweep, tally, 'checkpoints', entry);
    }
    for (const { name, sizeBytes } of await sweepScratch(ports.scratchDirectory, nowMs, dryRun))
      tally.add('scratch', name, 1, sizeBytes);
    const frames = await retainFrames({ ...sweep, lake: ports.lake, engine: ports.engine });
    const others = await retainClasses(sweep);
    const clips = await retainMedia(sweep, episodesInLake(ports));
    for (const { class: kind, objects, bytes, oldestMs } of [frames, clips.media, ...others.classes])
      if (objects > 0) tally.add(kind, `${kind} from ${new Date(oldestMs ?? 0).toISOString()} on`, objects, bytes);
    tallyClips(clips, tally);
    await sweepLate(sweep, tally);
    const beforeMs = nowMs - ageMs(defaultRetentionRules.compactAfterDays, dayMs);
    await compact(ports, { policy, beforeMs, nowMs, dryRun }, tally);
    if (others.isBehind) tally.fill();
    await tidyLake(ports, { dayMs, dryRun }, tally);
    return { ...tally.result(), classes: [frames, clips.media, sets, ...others.classes] };
  };

function tallyClips({ parts, orphans, isBehind }: MediaResult, tally: Tally): void {
  if (parts.objects > 0) tally.add('clipParts', 'parts of clips that nobody continues', parts.objects, parts.bytes);
  if (orphans.objects > 0) tally.add('orphanClips', 'clips of no episode', orphans.objects, orphans.bytes);
  if (isBehind) tally.fill();
}

/** What was told after an erasure of before it. */
async function sweepLate(sweep: ClassSweep, tally: Tally): Promise<void> {
  const late = await sweepLateTelemetry({ ...sweep, held: await readHeldData(sweep.store) });
  if (late.objects > 0)
    tally.add('lateTelemetry', `${late.entries} entries told after an erasure of before it`, late.objects, 0);
  if (late.isBehind) tally.fill();
}

async function take(
  { store, progress, dryRun }: ClassSweep,
  tally: Tally,
  kind: SweepKind,
  { key, sizeBytes }: ObjectEntry,
): Promise<void> {
  progress({ stage: 'sweeping', kind });
  if (!dryRun) await store.delete(key);
  tally.add(kind, key, 1, sizeBytes);
}

async function sweepSets(sweep: ClassSweep, tally: Tally): Promise<ClassReport> {
  const sets = new ClassTally('trainingSets', sweep.limits.trainingSets);
  for (const [prefix, kind] of [
    ['training-sets/', 'trainingSets'],
    ['heldout-sets/', 'heldoutSets'],
  ] as const) {
    const { any: held } = await readHeldData(sweep.store);
    for await (const entry of sweep.store.list(prefix)) {
      const id = setPattern.exec(entry.key)?.[2];
      if (id === undefined) continue;
      const need = whyKept({ class: 'trainingSets', atMs: entry.modifiedMs, id }, sweep);
      if (need === 'young') continue;
      const why = need ?? held;
      if (why !== undefined) {
        sets.stays(why);
        continue;
      }
      if (tally.isFull || sets.objects >= mostOfClass) break;
      await take(sweep, tally, kind, entry);
      sets.goes(entry.modifiedMs, entry.sizeBytes);
    }
  }
  return sets.report();
}

/** Last, as putting files together may fail where another reader finds other rows. */
async function tidyLake(
  ports: SweepPorts,
  { dayMs, dryRun }: { readonly dayMs: number; readonly dryRun: boolean },
  tally: Tally,
): Promise<void> {
  const { tables, vacuumed, isBehind } = await compactLake(ports)({ dayMs, dryRun, isSparing: true });
  const merged = tables.reduce((sum, table) => sum + table.merged, 0);
  if (merged > 0) tally.add('smallLakeFiles', 'small files of the lake, put together', merged, 0);
  if (vacuumed.files > 0) tally.add('lakeFiles', 'files of old versions of the lake', vacuumed.files, vacuumed.bytes);
  if (isBehind) tally.fill();
}

async function compact(
  { store, progress }: SweepPorts,
  { policy, beforeMs, nowMs, dryRun }: { policy: string; beforeMs: number; nowMs: number; dryRun: boolean },
  tally: Tally,
): Promise<void> {
  let changed = 0;
  for await (const hour of closedHours(store, policy, beforeMs)) {
    if (changed >= mostHours) return tally.fill();
    progress({ stage: 'putting telemetry together', hour: hour.hour });
    const { kind, objects } = await compactHour(store, policy, hour, { nowMs, isDryRun: dryRun });
    if (kind === 'written' || kind === 'swept') changed += 1;
    if (kind === 'swept' || (kind === 'written' && dryRun)) tally.add('telemetryObjects', hour.hour, objects, 0);
  }
}

class Tally {
  readonly #kinds = new Map<SweepKind, { objects: number; bytes: number }>();
  readonly #examples: string[] = [];
  #isFull = false;

  add(kind: SweepKind, name: string, objects: number, bytes: number): void {
    const sum = this.#kinds.get(kind) ?? { objects: 0, bytes: 0 };
    this.#kinds.set(kind, { objects: sum.objects + objects, bytes: sum.bytes + bytes });
    if (this.#examples.length < mostExamples) this.#examples.push(name);
    if ([...this.#kinds.values()].reduce((total, one) => total + one.objects, 0) >= mostObjects) this.#isFull = true;
  }

  fill(): void {
    this.#isFull = true;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  result(): SweepStoreResult {
    const swept = [...this.#kinds].map(([kind, sum]) => ({ kind, ...sum }));
    return { swept, examples: this.#examples, isBehind: this.#isFull };
  }
}
