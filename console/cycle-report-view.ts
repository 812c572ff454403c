import { z } from 'zod';

import { changesSince, type ComparedReport } from '../activities/report/changes-since.ts';
import { cycleBeforeSchema, type CycleBefore } from '../activities/report/cycle-before.ts';
import { requireJson } from '../store/json-objects.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { CycleReportAnswer } from './answers/cycles.ts';

const mostRobots = 100;
const mostStrata = 200;
const mostPoints = 500;
const mostTasks = 100;
const mostGates = 100;

const count = z.number().default(0);
const told = z.number().nullable().default(null);
const text = z.string().nullable().default(null);

/** Of a report what the page shows, whichever version wrote it. */
const reportSchema = z.object({
  cycleId: z.string(),
  policy: z.string(),
  outcome: z.string(),
  reason: z.string(),
  cause: z.string().default(''),
  writtenAtMs: z.number(),
  championVersion: text,
  candidateVersion: text,
  collection: z
    .object({
      verdict: z.string(),
      episodesStored: count,
      framesStored: count,
      alreadyStored: count,
      quarantinedEpisodes: count,
      quarantinedSegments: count,
      failuresStored: count,
      robotsLeftOut: z.array(z.string()).default([]),
      rules: z.array(z.object({ id: z.string(), doc: z.string().default(''), refused: count })).default([]),
    })
    .nullable()
    .default(null),
  mix: z
    .object({
      targetFrames: count,
      newFrames: count,
      historyFrames: count,
      effectiveFrames: count,
      needsLabelFrames: count,
      failuresAdded: count,
      failuresValid: count,
      failuresWaiting: told,
      strata: z
        .array(z.object({ source: z.string(), task: z.string(), availableFrames: count, takenFrames: count }))
        .default([]),
    })
    .nullable()
    .default(null),
  training: z
    .object({
      seed: told,
      steps: count,
      warmStart: text,
      curve: z.array(z.object({ step: z.number(), trainLoss: told, validationLoss: told })).default([]),
    })
    .nullable()
    .default(null),
  evaluation: z
    .object({
      accuracyFraction: told,
      championFraction: told,
      majorityFraction: told,
      linearFraction: told,
      frames: count,
      episodes: count,
      gates: z
        .array(
          z.object({
            id: z.string(),
            outcome: z.string(),
            value: told,
            limit: told,
            unit: text,
            sampleSize: told,
            sentence: text,
          }),
        )
        .default([]),
      tasks: z
        .array(z.object({ task: z.string(), agreementFraction: told, episodes: count, frames: count }))
        .default([]),
    })
    .nullable()
    .default(null),
  /** Reports that have it tell all that is compared with it. */
  before: cycleBeforeSchema.nullable().default(null),
});

/** Every n-th item so that at most `most` are left, the first and the last among them; most ≥ 2. */
export function thinned<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, index) => {
    const at = Math.round((index * (items.length - 1)) / (most - 1));
    return items[at] as T;
  });
}

type Judged = { readonly agreementFraction: number | null };
const worstFirst = (a: Judged, b: Judged): number => (a.agreementFraction ?? 2) - (b.agreementFraction ?? 2);

function sinceOf(report: ComparedReport, before: CycleBefore): NonNullable<CycleReportAnswer['since']> {
  const { figures, gates, tasks } = changesSince(report, before);
  const { cycleId, outcome, writtenAtMs, candidateVersion } = before;
  const told = { cycleId, outcome, writtenAtMs, candidateVersion };
  return { ...told, figures: [...figures], gates: gates && gates.slice(0, mostGates), tasks: [...tasks] };
}

/** The report of a cycle that ended, bounded in size. `NotFound` where there is none. */
export async function readCycleReport(store: ObjectStore, id: string): Promise<Omit<CycleReportAnswer, 'readAtMs'>> {
  const { before, ...report } = await requireJson(
    store,
    `reports/${id}.json`,
    reportSchema,
    `there is no report of a cycle ${id}`,
  );
  const { collection, mix, training, evaluation } = report;
  return {
    ...report,
    since: before && sinceOf(report, before),
    evaluation: evaluation && {
      ...evaluation,
      tasks: evaluation.tasks.toSorted(worstFirst).slice(0, mostTasks),
      tasksTotal: evaluation.tasks.length,
    },
    collection: collection && {
      ...collection,
      robotsLeftOut: collection.robotsLeftOut.slice(0, mostRobots),
      robotsLeftOutTotal: collection.robotsLeftOut.length,
    },
    mix: mix && { ...mix, strata: mix.strata.slice(0, mostStrata), strataTotal: mix.strata.length },
    training: training && {
      ...training,
      curve: [...thinned(training.curve, mostPoints)],
      curveTotal: training.curve.length,
    },
  };
}
