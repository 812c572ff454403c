import { z } from 'zod';

import { damaged, read } from './read.ts';

/** How a workflow stands, and what it says of itself; null: there is none, and was none lately. */
export const runSchema = z
  .strictObject({
    workflowId: z.string(),
    run: z.string(),
    startedMs: z.number(),
    endedMs: z.number().nullable(),
    status: z.unknown(),
  })
  .nullable();

/** What the store alone says of a policy, whether workflows can be asked or not. */
const standing = {
  /** What the fleet runs, and what it ran before; null: there is none. */
  champion: z.string().nullable(),
  previous: z.string().nullable(),
  /** How many robots follow the order that stands; null: none was given yet. */
  order: z
    .strictObject({
      seq: z.int(),
      robots: z.int(),
      confirmed: z.int(),
      waiting: z.int(),
      windowed: z.int(),
      failed: z.int(),
      offline: z.int(),
      unserved: z.int(),
    })
    .nullable(),
  /** No trial advances before `untilMs`. `unreadable`: whether that is so is not known, and none does. */
  freeze: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({
      kind: z.literal('frozen'),
      untilMs: z.number(),
      who: z.string(),
      why: z.string(),
      atMs: z.number(),
    }),
    z.strictObject({ kind: z.literal('unreadable'), reason: z.string() }),
  ]),
};
export const standingSchema = z.strictObject({ ...read, policy: z.string(), ...standing });
export type StandingAnswer = z.infer<typeof standingSchema>;

export const trialSchema = z.strictObject({
  ...read,
  trial: runSchema,
  abTest: runSchema,
  rollout: runSchema,
  rollback: runSchema,
  ...standing,
});
export type TrialAnswer = z.infer<typeof trialSchema>;

export const endedTrialsSchema = z.strictObject({
  ...read,
  ...damaged,
  items: z.array(
    z.strictObject({
      trialId: z.string(),
      candidateVersion: z.string().nullable(),
      outcome: z.string(),
      reason: z.string(),
      atMs: z.number(),
    }),
  ),
});
export type EndedTrialsAnswer = z.infer<typeof endedTrialsSchema>;

export const trialCourseSchema = z.strictObject({
  ...read,
  ...damaged,
  plan: z.record(z.string(), z.unknown()),
  end: z.record(z.string(), z.unknown()).nullable(),
  points: z.array(z.record(z.string(), z.unknown())),
  verdicts: z.int(),
  /** What the bound of the stage still lacks by its last verdict, at least; null: the trial has ended, or is no rollout. */
  outlook: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.enum(['proven', 'effect', 'unknown']) }),
      z.strictObject({ kind: z.literal('episodes'), moreEpisodes: z.number(), earliestMs: z.number().nullable() }),
    ])
    .nullable(),
  /** What the last verdict says of single tasks; null: none says anything. */
  tasks: z
    .strictObject({
      atMs: z.number(),
      /** The worst first, at most 200 of `total`; effects are candidate minus champion with a 95 % interval, null where nothing is known. */
      items: z.array(
        z.strictObject({
          task: z.string(),
          delta: z.number().nullable(),
          low: z.number().nullable(),
          high: z.number().nullable(),
          candidateEpisodes: z.number(),
          controlEpisodes: z.number(),
          candidateRobots: z.number(),
          controlRobots: z.number(),
          standing: z.enum(['worse', 'unproven', 'judged']),
        }),
      ),
      total: z.int(),
    })
    .nullable(),
});
export type TrialCourseAnswer = z.infer<typeof trialCourseSchema>;
