import { z } from 'zod';

import { championWays } from '../../domain/registry/champion-changes.ts';
import { metricSchema } from './metrics.ts';
import { damaged, read } from './read.ts';

const gate = { id: z.string(), outcome: z.string() };

export const modelsSchema = z.strictObject({
  ...read,
  ...damaged,
  aliases: z.record(z.string(), z.string()),
  /** Every move of an alias, oldest first, the last 500; `historyTotal`: how many there were. `way`: how its champion came to be; null: it left the champion as it was. */
  history: z.array(
    z.strictObject({
      atMs: z.number(),
      set: z.record(z.string(), z.string()),
      who: z.string(),
      why: z.string(),
      way: z.enum(championWays).nullable(),
    }),
  ),
  historyTotal: z.int(),
  /** A page of versions, the newest last. */
  versions: z.array(
    z.strictObject({
      version: z.string(),
      registeredAtMs: z.number(),
      parents: z.array(z.string()),
      trainingSetDigest: z.string().nullable(),
      gates: z.array(z.strictObject(gate)),
    }),
  ),
  /** All versions there are. */
  total: z.int(),
  /** What `before` is for older versions; null: these are the first. */
  next: z.string().nullable(),
});
export type ModelsAnswer = z.infer<typeof modelsSchema>;

const count = z.number();

export const modelSchema = z.strictObject({
  ...read,
  ...damaged,
  policy: z.string(),
  version: z.string(),
  registeredAtMs: z.number(),
  robotType: z.string(),
  /** 1: readings alone; 2: it sees. */
  contract: z.int(),
  cameras: z.array(z.string()),
  parents: z.array(z.string()),
  codeBuild: z.string(),
  modelSha256: z.string().nullable(),
  submitted: z.strictObject({ who: z.string(), why: z.string() }).nullable(),
  metrics: z.array(z.strictObject({ name: z.string(), value: z.number().nullable() })),
  /** `unit`, `sampleSize` and `sentence`: by the report of its cycle; null where there is none. */
  gates: z.array(
    z.strictObject({
      ...gate,
      value: z.number().nullable(),
      limit: z.number().nullable(),
      unit: z.string().nullable(),
      sampleSize: z.number().nullable(),
      sentence: z.string().nullable(),
    }),
  ),
  /** null: it was not trained here. */
  training: z
    .strictObject({
      cycleId: z.string(),
      datasetVersion: z.strictObject({ episodes: z.int(), frames: z.int() }),
      trainingSetDigest: z.string(),
      seed: z.int(),
      /** The only tasks that were learned; null: all. */
      tasks: z.array(z.string()).nullable(),
      /** Values as JSON, cut to 200 characters. */
      hyperparameters: z.array(z.strictObject({ name: z.string(), value: z.string() })),
    })
    .nullable(),
  /** What the training set was mixed from; null: it is not kept any more, or there was none. */
  set: z
    .strictObject({
      targetFrames: count,
      newFrames: count,
      historyFrames: count,
      effectiveFrames: count,
      needsLabelFrames: count,
      failures: z.strictObject({ valid: count, added: count, waiting: count }),
      /** The first 200 of `strataTotal`. */
      strata: z.array(
        z.strictObject({ source: z.string(), task: z.string(), availableFrames: count, takenFrames: count }),
      ),
      strataTotal: z.int(),
    })
    .nullable(),
  /** What was new to its training, by the lake as it was then: episodes for training alone; null: it was not trained here, or that cannot be counted now. */
  learned: z
    .strictObject({
      episodes: count,
      frames: count,
      robots: count,
      /** Of these robots the first 500, by id. */
      robotIds: z.array(z.string()),
      /** UTC days; null: none. */
      firstDay: z.string().nullable(),
      lastDay: z.string().nullable(),
    })
    .nullable(),
  /** Robots whose new episodes its cycle collected, the most first; null: its collection is not kept any more, or there was none. */
  collected: z
    .strictObject({
      episodes: count,
      frames: count,
      failures: count,
      /** The first 500 of `robotsTotal`. */
      robots: z.array(
        z.strictObject({ robotId: z.string(), episodes: count, frames: count, failures: count, refused: count }),
      ),
      robotsTotal: z.int(),
    })
    .nullable(),
});
export type ModelAnswer = z.infer<typeof modelSchema>;

export const modelRobotsSchema = z.strictObject({
  ...read,
  policy: z.string(),
  version: z.string(),
  from: z.string(),
  to: z.string(),
  state: z.enum(['read', 'empty', 'noFacts']),
  asOfMs: z.number().nullable(),
  success: metricSchema,
  /** The most episodes first, of `total`. */
  robots: z.array(
    z.strictObject({
      robotId: z.string(),
      firstDay: z.string(),
      lastDay: z.string(),
      episodes: z.int(),
      successes: z.int(),
    }),
  ),
  total: z.int(),
});
export type ModelRobotsAnswer = z.infer<typeof modelRobotsSchema>;
