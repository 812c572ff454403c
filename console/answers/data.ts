import { z } from 'zod';

import { damaged, read } from './read.ts';

const day = z.strictObject({
  day: z.string(),
  robots: z.int(),
  successes: z.int(),
  failures: z.int(),
  aborted: z.int(),
  intervened: z.int(),
  correctedFrames: z.int(),
});

export const dataSchema = z.strictObject({
  ...read,
  ...damaged,
  policy: z.string(),
  from: z.string(),
  to: z.string(),
  /** `noFacts`: nobody makes facts yet; `empty`: no episode on these days. */
  state: z.enum(['read', 'empty', 'noFacts']),
  asOfMs: z.number().nullable(),
  /** Days of which a robot told an episode, oldest first. */
  days: z.array(day),
  coverage: z.strictObject({
    /** Of active tasks and registered robots: pairs of which there is an episode. */
    coveredPairs: z.int(),
    pairs: z.int(),
    tasks: z.int(),
    robots: z.int(),
    /** The robots with the fewest tasks first, at most 20 of `robots`. */
    shownRobots: z.array(z.string()),
    /** The tasks that the fewest robots did first, at most 30 of `tasks`; `byRobot`: episodes, as many as `shownRobots`. */
    shownTasks: z.array(
      z.strictObject({ task: z.string(), robots: z.int(), episodes: z.int(), byRobot: z.array(z.int()) }),
    ),
  }),
  distributions: z.array(
    z.strictObject({
      measure: z.enum(['durationMs', 'latencyMs', 'correctedFrames']),
      /** Episodes that tell it, and those that do not. */
      episodes: z.int(),
      untold: z.int(),
      quantiles: z.array(z.strictObject({ fraction: z.number(), value: z.number() })),
      /** Of equal width from the 1st to the 99th percentile; the first and the last also take what lies beyond. */
      classes: z.array(z.strictObject({ from: z.number(), to: z.number(), episodes: z.int() })),
    }),
  ),
});
export type DataAnswer = z.infer<typeof dataSchema>;

export const quarantineSchema = z.strictObject({
  ...read,
  ...damaged,
  /** The newest first, of this policy's robot type or of none. */
  items: z.array(
    z.strictObject({
      sha256: z.string(),
      cycleId: z.string(),
      scope: z.enum(['segment', 'episode']),
      robotId: z.string(),
      robotType: z.string().nullable(),
      receivedMs: z.number(),
      sizeBytes: z.int(),
      rules: z.array(z.string()),
      /** The first 5 of `violationsTotal`. */
      samples: z.array(
        z.strictObject({
          rule: z.string(),
          doc: z.string(),
          value: z.string(),
          expected: z.string(),
          episodeId: z.string().nullable(),
          frame: z.int().nullable(),
        }),
      ),
      violationsTotal: z.int(),
      /** null: nobody has released it. */
      released: z.strictObject({ who: z.string(), reason: z.string(), atMs: z.number() }).nullable(),
    }),
  ),
  /** Of all robot types. */
  total: z.int(),
});
export type QuarantineAnswer = z.infer<typeof quarantineSchema>;
