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

export const trialSchema = z.strictObject({
  ...read,
  trial: runSchema,
  abTest: runSchema,
  rollout: runSchema,
  rollback: runSchema,
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
});
export type TrialCourseAnswer = z.infer<typeof trialCourseSchema>;
