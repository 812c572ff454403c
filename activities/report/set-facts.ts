import { z } from 'zod';

const count = z.number().min(0);

/** What the report tells of a training set's manifest (datasets/training-set.ts). */
export const setFactsSchema = z.looseObject({
  datasetVersion: z.strictObject({ episodes: z.int(), frames: z.int() }),
  seed: z.int(),
  targetFrames: count,
  newFrames: count,
  historyFrames: count,
  effectiveFrames: count,
  correctionShareBeforeCap: count,
  correctionShareAfterCap: count,
  needsLabelFrames: count,
  failures: z.looseObject({ validEpisodes: count, addedEpisodes: count, queuedForLabelEpisodes: count }),
  sources: z
    .array(z.looseObject({ name: z.string(), weight: count, availableFrames: count, takenFrames: count }))
    .default([]),
  recipe: z
    .looseObject({
      learnedTasks: z.array(z.string()).optional(),
      favouredLabels: z.array(z.string()).optional(),
      doubtBy: z.array(z.string()).optional(),
    })
    .optional(),
  favoured: z.looseObject({ takenFrames: count, allFrames: count }).optional(),
  doubtful: z.looseObject({ takenFrames: count, weight: count }).optional(),
  /** Not there in a set without images. */
  images: z
    .looseObject({
      cameras: z.array(z.looseObject({ name: z.string() })),
      leftOut: z.array(z.looseObject({ reason: z.string(), episodes: count, frames: count })),
    })
    .optional(),
  bodies: z
    .array(
      z.looseObject({
        robotType: z.string(),
        episodes: count,
        takenFrames: count.default(0),
        leftOutFrames: count.default(0),
      }),
    )
    .default([]),
  bodiesLeftOut: z.array(z.looseObject({ robotType: z.string(), episodes: count, reason: z.string() })).default([]),
  strata: z.array(
    z.looseObject({
      source: z.enum(['new', 'history']),
      task: z.string(),
      availableFrames: count,
      takenFrames: count,
    }),
  ),
});
export type SetFacts = z.infer<typeof setFactsSchema>;
