import { z } from 'zod';

import { summaryKeyOf } from '../activities/collection/documents.ts';
import { collectionSummarySchema } from '../activities/collection/summary.ts';
import type { gateSchema } from '../activities/evaluation/evaluation-document.ts';
import { reportOfTraining, summaryKeyIn } from '../activities/report/cycle-of-training.ts';
import { setFactsSchema } from '../activities/report/set-facts.ts';
import type { DatasetVersion } from '../datasets/dataset-version.ts';
import { trainingSetFile } from '../datasets/training-set.ts';
import { modelFile, signedManifestSchema, type ModelManifest } from '../policies/model-manifest.ts';
import { readSoundJson, type OnDamage } from '../store/damaged-objects.ts';
import { requireJson } from '../store/json-objects.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { ModelAnswer } from './answers/models.ts';

const version = z.object({ episodes: z.int(), frames: z.int() });
/** What of the lake was new to it. */
const newSinceSchema = z.object({ recipe: z.object({ newSince: version }) });
const longestValue = 200;
const mostStrata = 200;
const mostRobots = 500;

/** Everything that is known of one version: how it was made, of what, and what was measured. `NotFound` for one that was never registered. */
export async function readModelPage(
  store: ObjectStore,
  of: { readonly policy: string; readonly version: string },
  onDamage: OnDamage,
): Promise<Omit<ModelAnswer, 'readAtMs' | 'damaged' | 'learned'> & { readonly newSince: DatasetVersion | null }> {
  const key = modelFile(of.policy, of.version, 'manifest.json');
  const { manifest } = await requireJson(
    store,
    key,
    signedManifestSchema,
    `version ${of.version} of policy ${of.policy} is not registered`,
  );
  const { training, robotType, submitted } = manifest;
  const [set, report] = await Promise.all([
    training &&
      readSoundJson(store, trainingSetFile(training.trainingSetDigest, 'manifest.json'), setFactsSchema, onDamage),
    training && reportOfTraining(store, training.cycleId, onDamage),
  ]);
  // A collection has an id of its own; cycles of old had one with it.
  const summaryKey = (report && summaryKeyIn(report)) ?? (training && summaryKeyOf(training.cycleId));
  const collected = summaryKey && (await readSoundJson(store, summaryKey, collectionSummarySchema, onDamage));
  return {
    ...of,
    registeredAtMs: manifest.registeredAtMs,
    robotType: `${robotType.id}@${robotType.version}`,
    contract: manifest.contract ?? 1,
    cameras: (manifest.cameras ?? []).map(({ name, width, height }) => `${name}, ${width} × ${height}`),
    parents: [...manifest.parents],
    codeBuild: manifest.codeBuild,
    modelSha256: manifest.files['model.onnx']?.sha256 ?? null,
    submitted: submitted ?? null,
    metrics: Object.entries(manifest.metrics).map(([name, value]) => ({ name, value })),
    gates: gatesOf(manifest, report?.evaluation?.gates ?? []),
    training: training && trainingOf(training, report?.cycleId ?? training.cycleId),
    set: set ? setOf(set) : null,
    collected: collected ? collectedOf(collected) : null,
    newSince: set ? (newSinceSchema.safeParse(set).data?.recipe.newSince ?? null) : null,
  };
}

function gatesOf({ gates }: ModelManifest, judged: readonly z.infer<typeof gateSchema>[]): ModelAnswer['gates'] {
  const byId = new Map(judged.map((gate) => [gate.id, gate]));
  return gates.map(({ id, outcome, value, limit }) => {
    const more = byId.get(id);
    return {
      id,
      outcome,
      value,
      limit,
      unit: more?.unit ?? null,
      sampleSize: more?.sampleSize ?? null,
      sentence: more?.sentence ?? null,
    };
  });
}

const trainingOf = (training: NonNullable<ModelManifest['training']>, cycleId: string): ModelAnswer['training'] => ({
  cycleId,
  datasetVersion: training.datasetVersion,
  trainingSetDigest: training.trainingSetDigest,
  seed: training.seed,
  tasks: training.tasks ?? null,
  hyperparameters: Object.entries(training.hyperparameters).map(([name, value]) => ({
    name,
    value: (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, longestValue),
  })),
});

const setOf = (set: z.infer<typeof setFactsSchema>): ModelAnswer['set'] => ({
  targetFrames: set.targetFrames,
  newFrames: set.newFrames,
  historyFrames: set.historyFrames,
  effectiveFrames: set.effectiveFrames,
  needsLabelFrames: set.needsLabelFrames,
  failures: {
    valid: set.failures.validEpisodes,
    added: set.failures.addedEpisodes,
    waiting: set.failures.queuedForLabelEpisodes,
  },
  strata: set.strata
    .slice(0, mostStrata)
    .map(({ source, task, availableFrames, takenFrames }) => ({ source, task, availableFrames, takenFrames })),
  strataTotal: set.strata.length,
});

function collectedOf({
  episodesStored: episodes,
  framesStored: frames,
  failuresStored: failures,
  robots,
}: z.infer<typeof collectionSummarySchema>): ModelAnswer['collected'] {
  const told = robots.toSorted((a, b) => b.episodesStored - a.episodesStored || (a.robotId < b.robotId ? -1 : 1));
  return {
    episodes,
    frames,
    failures,
    robots: told.slice(0, mostRobots).map((robot) => ({
      robotId: robot.robotId,
      episodes: robot.episodesStored,
      frames: robot.framesStored,
      failures: robot.failuresStored,
      refused: robot.episodesRefused,
    })),
    robotsTotal: told.length,
  };
}
