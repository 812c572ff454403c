import { z } from 'zod';

import { read } from './read.ts';

const told = {
  ...read,
  policy: z.string(),
  from: z.string(),
  to: z.string(),
  /** `noFacts`: nobody makes facts yet; `empty`: none that matches on these days. */
  state: z.enum(['read', 'empty', 'noFacts']),
  asOfMs: z.number().nullable(),
};

/** Where an episode is that the lake does not have, as far as the store says; see `Whereabouts`. */
const missing = z
  .strictObject({
    kind: z.enum(['erased', 'refused', 'waits', 'perhapsRefused', 'perhapsRemoved', 'notUploaded', 'unknown']),
    /** Rules that were broken, at most 5. */
    rules: z.array(z.string()),
    /** Uploads of its robot since then: those that wait, or were refused, or were removed. */
    uploads: z.int(),
    /** The robot is in quarantine: nothing of it is collected until it is released. */
    isRobotQuarantined: z.boolean(),
    /** How many episodes the robot gave up for lack of room since its disk was new; null: it did not tell. */
    givenUp: z.int().nullable(),
  })
  .nullable();
export type MissingAnswer = z.infer<typeof missing>;

const groups = z.array(
  z.strictObject({
    /** null: no version was told. */
    name: z.string().nullable(),
    /** Those that match, of all episodes that it ran on these days. */
    episodes: z.int(),
    of: z.int(),
  }),
);

export const episodesSchema = z.strictObject({
  ...told,
  /** The newest first, of `total`. */
  items: z.array(
    z.strictObject({
      episodeId: z.string(),
      robotId: z.string(),
      task: z.string(),
      policyVersion: z.string().nullable(),
      trialId: z.string().nullable(),
      endedMs: z.number().nullable(),
      /** UTC day under which it is kept; asking for the episode needs it. */
      day: z.string(),
      durationMs: z.number(),
      outcome: z.string(),
      failureReason: z.string().nullable(),
      intervened: z.boolean(),
      correctedFrames: z.int(),
      /** The lake has it, with its frames. */
      isCollected: z.boolean(),
      /** null: it is collected. */
      missing,
    }),
  ),
  total: z.int(),
  /** Which robots and versions have how many that match, at most ten of each, those with the most first; null: no `reason` was asked for. */
  groups: z.strictObject({ robots: groups, robotsTotal: z.int(), versions: groups, versionsTotal: z.int() }).nullable(),
});
export type EpisodesAnswer = z.infer<typeof episodesSchema>;

export const trialRobotsSchema = z.strictObject({
  ...told,
  trialId: z.string(),
  /** Those with the most failures first, of `total`; a robot that ran two versions is there twice. */
  items: z.array(
    z.strictObject({
      robotId: z.string(),
      policyVersion: z.string().nullable(),
      episodes: z.int(),
      successes: z.int(),
      failures: z.int(),
    }),
  ),
  total: z.int(),
});
export type TrialRobotsAnswer = z.infer<typeof trialRobotsSchema>;

export const episodeSchema = z.strictObject({
  ...read,
  episodeId: z.string(),
  /** null: `episode` is there. */
  missing,
  /** null: the lake does not have it. */
  episode: z
    .strictObject({
      robotId: z.string(),
      robotType: z.string(),
      site: z.string(),
      task: z.string(),
      policyVersion: z.string().nullable(),
      startedMs: z.number(),
      durationMs: z.number(),
      outcome: z.string(),
      failureReason: z.string().nullable(),
      intervened: z.boolean(),
      split: z.string(),
      /** Of all frames; `frames` are at most 400 of them, evenly thinned. */
      frameCount: z.int(),
      /** Names and units of the readings, at most 64 of `observationsTotal`. */
      observations: z.array(z.strictObject({ name: z.string(), unit: z.string() })),
      observationsTotal: z.int(),
      actions: z.discriminatedUnion('kind', [
        /** `action` and `expert` of a frame are one place in `names`. */
        z.strictObject({ kind: z.literal('discrete'), names: z.array(z.string()) }),
        z.strictObject({ kind: z.literal('continuous'), names: z.array(z.string()) }),
        z.strictObject({ kind: z.literal('none'), names: z.array(z.string()) }),
      ]),
      /** Cameras of the robot type in its order, and how the clip of each stands; `none`: the robot recorded none. */
      clips: z.array(
        z.strictObject({
          camera: z.string(),
          state: z.enum(['here', 'notJudged', 'awaited', 'refused', 'deleted', 'none', 'keptOnRobot']),
          /** null: `none` and `keptOnRobot`. */
          sha256: z.string().nullable(),
          /** Instant of the first image, from the start of the episode. */
          startedMs: z.number().nullable(),
          /** From one image to the next, as the robot type has it. */
          periodMs: z.number(),
          /** Rules that a refused clip broke, at most 5. */
          violations: z.array(z.strictObject({ rule: z.string(), value: z.string(), expected: z.string() })),
        }),
      ),
      frames: z.array(
        z.strictObject({
          index: z.int(),
          atMs: z.number(),
          observation: z.array(z.number()),
          action: z.array(z.number()),
          expert: z.array(z.number()).nullable(),
          isCorrection: z.boolean(),
        }),
      ),
    })
    .nullable(),
});
export type EpisodeAnswer = z.infer<typeof episodeSchema>;
