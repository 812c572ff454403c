import { z } from 'zod';

import { endedCycleSchema } from '../../activities/report/list-cycles.ts';
import { damaged, read } from './read.ts';
import { runSchema } from './trials.ts';

export const cycleSchema = endedCycleSchema.omit({ policy: true });
export const endedCyclesSchema = z.strictObject({ ...read, ...damaged, items: z.array(cycleSchema) });
export type EndedCyclesAnswer = z.infer<typeof endedCyclesSchema>;

export const oneCycleSchema = z.strictObject({
  ...read,
  report: z.record(z.string(), z.unknown()).nullable(),
  run: runSchema,
});

export const runningCycleSchema = z.strictObject({
  ...read,
  /** null: none runs. */
  cycle: runSchema,
  /** The step that it is at, where that tells how far it is. */
  collection: runSchema,
  training: runSchema,
});
export type RunningCycleAnswer = z.infer<typeof runningCycleSchema>;

const count = z.number();
const told = z.number().nullable();

/** A report without what is long: lists are cut, images left out; the whole one is `/api/v1/cycle`. */
export const cycleReportSchema = z.strictObject({
  ...read,
  cycleId: z.string(),
  policy: z.string(),
  outcome: z.string(),
  reason: z.string(),
  cause: z.string(),
  writtenAtMs: z.number(),
  championVersion: z.string().nullable(),
  candidateVersion: z.string().nullable(),
  /** null, like the others: the cycle ended before this step. */
  collection: z
    .strictObject({
      verdict: z.string(),
      episodesStored: count,
      framesStored: count,
      alreadyStored: count,
      quarantinedEpisodes: count,
      quarantinedSegments: count,
      failuresStored: count,
      /** The first 100 of `robotsLeftOutTotal`. */
      robotsLeftOut: z.array(z.string()),
      robotsLeftOutTotal: z.int(),
      rules: z.array(z.strictObject({ id: z.string(), doc: z.string(), refused: count })),
    })
    .nullable(),
  mix: z
    .strictObject({
      targetFrames: count,
      newFrames: count,
      historyFrames: count,
      effectiveFrames: count,
      needsLabelFrames: count,
      failuresAdded: count,
      failuresValid: count,
      /** null: a report of an earlier version, which does not say. */
      failuresWaiting: told,
      /** The first 200 of `strataTotal`. */
      strata: z.array(
        z.strictObject({ source: z.string(), task: z.string(), availableFrames: count, takenFrames: count }),
      ),
      strataTotal: z.int(),
    })
    .nullable(),
  training: z
    .strictObject({
      seed: told,
      steps: count,
      warmStart: z.string().nullable(),
      /** At most 500 points of `curveTotal`, evenly thinned, the last one among them. */
      curve: z.array(z.strictObject({ step: count, trainLoss: told, validationLoss: told })),
      curveTotal: z.int(),
    })
    .nullable(),
  evaluation: z
    .strictObject({
      accuracyFraction: told,
      championFraction: told,
      majorityFraction: told,
      linearFraction: told,
      frames: count,
      episodes: count,
      gates: z.array(
        z.strictObject({
          id: z.string(),
          outcome: z.string(),
          value: told,
          limit: told,
          unit: z.string().nullable(),
          sampleSize: told,
          sentence: z.string().nullable(),
        }),
      ),
      /** The worst 100 of `tasksTotal`. */
      tasks: z.array(z.strictObject({ task: z.string(), agreementFraction: told, episodes: count, frames: count })),
      tasksTotal: z.int(),
    })
    .nullable(),
  /** What is otherwise than in the policy's cycle before; null: there was none, or a report of an earlier version does not say. */
  since: z
    .strictObject({
      cycleId: z.string(),
      outcome: z.string(),
      writtenAtMs: z.number(),
      candidateVersion: z.string().nullable(),
      figures: z.array(
        z.strictObject({ name: z.string(), unit: z.enum(['count', 'fraction']), before: told, now: told }),
      ),
      /** Those with another outcome; null: not known, one of the two judged nothing. */
      gates: z.array(z.strictObject({ id: z.string(), before: z.string(), now: z.string() })).nullable(),
      /** Agreement of tasks that both judged, the largest changes first, at most 20. */
      tasks: z.array(z.strictObject({ task: z.string(), before: count, now: count })),
    })
    .nullable(),
});
export type CycleReportAnswer = z.infer<typeof cycleReportSchema>;
