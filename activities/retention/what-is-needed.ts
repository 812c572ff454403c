import { z } from 'zod';

import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import { trainingSetFile } from '../../datasets/training-set.ts';
import { ageMs, defaultRetentionRules, lookBackDays, type Needs } from '../../domain/retention.ts';
import { promotionGuardLimits } from '../../domain/monitoring/index.ts';
import { signedManifestSchema, type ModelManifest } from '../../policies/model-manifest.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import { readRobots } from '../../fleet/desk/index.ts';
import { isFailure } from '../../store/failures.ts';
import { requireJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliases, readAliasHistory } from '../../store/records/aliases.ts';
import { readOpenIncidents } from '../monitor/monitor-state.ts';
import { readHeldData } from './held-data.ts';
import { versionsKeptOn } from './kept-on.ts';

/** A registered version that may still be measured, tried or trained again, and why. */
export interface NeededModel {
  readonly manifest: ModelManifest;
  readonly why: string;
}

/** How long before an incident its causes are looked for, fleet days. */
const evidenceDays = 7;

/**
 * Registered versions with an alias, that robots are kept on, or registered of late: what they were made from stays readable. Fails when a
 * manifest cannot be read: what its model needs is not known then.
 */
export async function readNeededModels(
  store: ObjectStore,
  { nowMs, dayMs }: { readonly nowMs: number; readonly dayMs: number },
): Promise<readonly NeededModel[]> {
  const needed: NeededModel[] = [];
  const sinceMs = nowMs - ageMs(defaultRetentionRules.registeredDays, dayMs);
  const manifests: ModelManifest[] = [];
  for await (const manifest of registeredModels(store)) manifests.push(manifest);
  const keptOn = await versionsKeptOn(store, manifests);
  for (const manifest of manifests) {
    const { policy, version, registeredAtMs } = manifest;
    const aliases = Object.entries(await readAliases({ store })({ policy }));
    const names = aliases.filter(([, named]) => named === version).map(([name]) => name);
    const ofRobots = keptOn.get(`${policy} ${version}`);
    if (names.length > 0) needed.push({ manifest, why: `${policy} ${version} is ${names.join(' and ')}` });
    else if (ofRobots !== undefined) needed.push({ manifest, why: ofRobots });
    else if (registeredAtMs >= sinceMs)
      needed.push({
        manifest,
        why: `${policy} ${version} was registered in the last ${defaultRetentionRules.registeredDays} days`,
      });
  }
  return needed;
}

const mixSchema = z.looseObject({
  recipe: z.looseObject({ newSince: z.looseObject({ episodes: z.int().min(0) }) }),
});

/**
 * Versions of the lake that a vacuum keeps readable: those that needed models were trained on and, to make their sets again, the episodes
 * of before their cycle, which say what was new.
 */
export async function pinnedVersions(
  store: ObjectStore,
  at: { readonly nowMs: number; readonly dayMs: number },
): Promise<readonly DatasetVersion[]> {
  const pinned: DatasetVersion[] = [];
  for (const { training } of (await readNeededModels(store, at)).map(({ manifest }) => manifest)) {
    if (training === null) continue;
    const key = trainingSetFile(training.trainingSetDigest, 'manifest.json');
    const mix = await readSoundJson(store, key, mixSchema, () => undefined);
    pinned.push(training.datasetVersion);
    if (mix !== undefined) pinned.push({ ...training.datasetVersion, episodes: mix.recipe.newSince.episodes });
  }
  return pinned;
}

/** Every registered manifest, in the order of policies and versions. */
export async function* registeredModels(store: ObjectStore): AsyncGenerator<ModelManifest> {
  for await (const { key } of store.list('models/')) {
    if (!/^models\/[^/]+\/[^/]+\/manifest\.json$/.test(key)) continue;
    yield (await requireJson(store, key, signedManifestSchema, 'it was just listed')).manifest;
  }
}

const endSchema = z.looseObject({ policy: z.string(), candidateVersion: z.string().nullable() });

/** What registered models, trials that run, the guard of a promotion, open incidents and legal holds still need. */
export async function readNeeds(
  store: ObjectStore,
  at: { readonly nowMs: number; readonly dayMs: number },
): Promise<Needs> {
  const models = await readNeededModels(store, at);
  const from: Needs['from'][number][] = [];
  const named: Needs['named'][number][] = [];
  for (const { manifest, why } of models)
    if (manifest.training !== null) {
      named.push({ class: 'reports', id: manifest.training.cycleId, why });
      named.push({ class: 'trainingSets', id: manifest.training.trainingSetDigest, why });
    }
  for (const [robotId, { retiredMs }] of await readRobots(store))
    if (retiredMs === undefined) named.push({ class: 'agents', id: robotId, why: 'the robot is in the fleet' });
  const lookBackMs = ageMs(lookBackDays, at.dayMs);
  for (const [trialId, { startedMs, end }] of await readTrials(store)) {
    if (end === undefined) {
      const why = `trial ${trialId} has not ended`;
      named.push({ class: 'verdicts', id: trialId, why });
      from.push({ classes: ['telemetry'], fromMs: startedMs - lookBackMs, why });
    }
    const tried = models.find(
      ({ manifest }) => manifest.policy === end?.policy && manifest.version === end.candidateVersion,
    );
    if (tried !== undefined) named.push({ class: 'verdicts', id: trialId, why: tried.why });
  }
  for (const policy of await policies(store)) from.push(...(await needsOfPolicy(store, policy, at)));
  const held = await readHeldData(store);
  if (held.any !== undefined)
    from.push({ classes: ['trainingSets', 'verdicts', 'reports'], fromMs: Number.NEGATIVE_INFINITY, why: held.any });
  return { from, named };
}

async function needsOfPolicy(
  store: ObjectStore,
  policy: string,
  { nowMs, dayMs }: { readonly nowMs: number; readonly dayMs: number },
): Promise<readonly Needs['from'][number][]> {
  const from: Needs['from'][number][] = [];
  const history = await readAliasHistory({ store })({ policy });
  const promotion = history.findLast(({ set }) => set.champion !== undefined);
  if (promotion !== undefined && nowMs - promotion.atMs < ageMs(promotionGuardLimits.days, dayMs))
    from.push({
      classes: ['telemetry', 'verdicts'],
      fromMs: promotion.atMs - ageMs(lookBackDays, dayMs),
      why: `the promotion of ${policy} ${promotion.set.champion} is guarded for ${promotionGuardLimits.days} days`,
    });
  for (const { openedAtMs, why } of await openIncidents(store, policy))
    from.push({
      classes: ['frames', 'media', 'telemetry', 'quarantine', 'verdicts', 'reports'],
      fromMs: openedAtMs - ageMs(evidenceDays, dayMs),
      why,
    });
  return from;
}

/** Where nobody can tell which incidents are open, all of the past may be evidence. */
async function openIncidents(
  store: ObjectStore,
  policy: string,
): Promise<readonly { readonly openedAtMs: number; readonly why: string }[]> {
  try {
    const { incidents } = await readOpenIncidents(store, policy);
    return incidents.map(({ incidentId, openedAtMs }) => ({ openedAtMs, why: `incident ${incidentId} is open` }));
  } catch (error) {
    if (!isFailure(error, 'CorruptData')) throw error;
    return [
      {
        openedAtMs: Number.NEGATIVE_INFINITY,
        why: `the monitor of ${policy} left no state that lists the open incidents`,
      },
    ];
  }
}

interface StoredTrial {
  readonly startedMs: number;
  readonly end: { readonly policy: string; readonly candidateVersion: string | null } | undefined;
}

async function readTrials(store: ObjectStore): Promise<ReadonlyMap<string, StoredTrial>> {
  const trials = new Map<string, StoredTrial>();
  for await (const { key, modifiedMs } of store.list('trials/')) {
    const [, trialId, name] = /^trials\/([^/]+)\/(plan|end)\.json$/.exec(key) ?? [];
    if (trialId === undefined) continue;
    const known = trials.get(trialId);
    if (name === 'plan') {
      trials.set(trialId, { startedMs: modifiedMs, end: known?.end });
    } else {
      // An end that cannot be read is none: the trial keeps what it has.
      const end = await readSoundJson(store, key, endSchema, () => undefined);
      trials.set(trialId, { startedMs: known?.startedMs ?? modifiedMs, end });
    }
  }
  return trials;
}

async function policies(store: ObjectStore): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { key } of store.list('config/policies/')) {
    const name = /^config\/policies\/([^/]+)\.json$/.exec(key)?.[1];
    if (name !== undefined) names.push(name);
  }
  return names;
}
