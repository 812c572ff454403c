import { z } from 'zod';

import { ageMs, defaultRetentionRules, neededSets, type RegisteredSet } from '../../domain/retention.ts';
import { signedManifestSchema } from '../../policies/model-manifest.ts';
import { requireJson } from '../../store/json-objects.ts';
import { parseDoor } from '../parse-activity-input.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Progress } from '../ports/progress.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { sweepScratch } from './sweep-scratch.ts';
import { closedHours, compactHour } from './telemetry-compaction.ts';

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
}

export type SweepKind = 'trainingSets' | 'heldoutSets' | 'checkpoints' | 'scratch' | 'telemetryObjects';

export interface SweepPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly scratchDirectory: string;
}

const mostObjects = 5_000;
const mostHours = 200;
const mostExamples = 20;
const setPattern = /^(training-sets|heldout-sets)\/([0-9a-f]{64})\/[^/]+\.arrow$/;
const checkpointPattern = /^training-runs\/[^/]+\/checkpoints\//;

/**
 * Takes away what nobody needs any more, by `domain/retention.ts`, and puts old telemetry together. What a registered model with
 * an alias or a candidate that may be on trial was trained on stays; so do experience, lake, models, reports and logs, always.
 * Idempotent: what went is gone.
 */
export const sweepStore =
  (ports: SweepPorts) =>
  async (given: SweepStoreInput): Promise<SweepStoreResult> => {
    const { policy, dayMs, dryRun } = parseDoor('sweepStore', inputSchema, given);
    const nowMs = ports.clock();
    const tally = new Tally();
    const rules = defaultRetentionRules;
    const needed = neededSets(await registeredSets(ports.store), { nowMs, dayMs, rules });
    const remove = async (kind: SweepKind, { key, sizeBytes }: { key: string; sizeBytes: number }): Promise<void> => {
      ports.progress({ stage: 'sweeping', kind });
      if (!dryRun) await ports.store.delete(key);
      tally.add(kind, key, 1, sizeBytes);
    };

    const setsBeforeMs = nowMs - ageMs(rules.setDays, dayMs);
    for (const [prefix, kind] of [
      ['training-sets/', 'trainingSets'],
      ['heldout-sets/', 'heldoutSets'],
    ] as const)
      for await (const entry of ports.store.list(prefix)) {
        const [, , digest = ''] = setPattern.exec(entry.key) ?? [];
        if (digest === '' || needed.has(digest) || entry.modifiedMs >= setsBeforeMs) continue;
        if (tally.isFull) break;
        await remove(kind, entry);
      }
    const checkpointsBeforeMs = nowMs - ageMs(rules.checkpointDays, dayMs);
    for await (const entry of ports.store.list('training-runs/')) {
      if (!checkpointPattern.test(entry.key) || entry.modifiedMs >= checkpointsBeforeMs) continue;
      if (tally.isFull) break;
      await remove('checkpoints', entry);
    }
    for (const { name, sizeBytes } of await sweepScratch(ports.scratchDirectory, nowMs, dryRun))
      tally.add('scratch', name, 1, sizeBytes);
    await compact(ports, { policy, beforeMs: nowMs - ageMs(rules.compactAfterDays, dayMs), nowMs, dryRun }, tally);
    return tally.result();
  };

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

/** Every registered model that was trained here. Fails when one cannot be read: what it needs is not known then. */
async function registeredSets(store: ObjectStore): Promise<readonly RegisteredSet[]> {
  const aliased = new Map<string, ReadonlySet<string>>();
  const models: RegisteredSet[] = [];
  for await (const { key } of store.list('models/')) {
    const [, policy] = /^models\/([^/]+)\/[^/]+\/manifest\.json$/.exec(key) ?? [];
    if (policy === undefined) continue;
    const { manifest } = await requireJson(store, key, signedManifestSchema, 'it was just listed');
    if (manifest.training === null) continue;
    const names = aliased.get(policy) ?? new Set(Object.values(await readAliases({ store })({ policy })));
    aliased.set(policy, names);
    const { trainingSetDigest } = manifest.training;
    models.push({
      trainingSetDigest,
      registeredAtMs: manifest.registeredAtMs,
      isAliased: names.has(manifest.version),
    });
  }
  return models;
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
