import { z } from 'zod';

import { guardShape, toldPlanSchema, toldVerdictSchema } from '../activities/trials/told-verdicts.ts';

const trialIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/);

/** Of what a rollout says of itself, what is shown. */
export const rolloutSchema = z.object({
  trialId: trialIdSchema,
  state: z.object({
    kind: z.string(),
    stage: z.int().min(0).max(3),
    atMs: z.number(),
    reason: z.string(),
    wantedExposure: z.number().default(1),
  }),
  rows: z
    .array(z.object({ stage: z.int(), lowerBound: z.number(), reportingRobots: z.int(), episodes: z.int() }))
    .default([]),
  tick: z.object({ verdictKey: z.string() }).optional(),
});

const lookSchema = z.object({
  decision: z.string(),
  reason: z.string(),
  delta: z.number(),
  low: z.number(),
  high: z.number(),
  z: z.number(),
  bound: z.number(),
  information: z.number(),
  candidateEpisodes: z.int(),
  controlEpisodes: z.int(),
  verdictKey: z.string(),
});
/** The same of an A/B test. */
export const abTestSchema = z.object({
  trialId: trialIdSchema,
  progress: z.object({
    kind: z.string(),
    atMs: z.number(),
    watchedMs: z.number(),
    looksDone: z.int(),
    reason: z.string(),
  }),
  look: lookSchema.optional(),
  tick: z.object({ verdictKey: z.string() }).optional(),
});

export const tickSchema = toldVerdictSchema.extend({
  asked: toldVerdictSchema.shape.asked
    .unwrap()
    .extend({ stage: z.int(), hoursInStage: z.number(), hoursTotal: z.number() }),
  result: toldVerdictSchema.shape.result.extend({
    verdict: z.string(),
    delta: z.number(),
    lowerBound: z.number(),
    robots: z.int(),
    episodes: z.int(),
  }),
});
export type Tick = z.infer<typeof tickSchema>;

export type RolloutSaid = z.infer<typeof rolloutSchema>;
export type AbTestSaid = z.infer<typeof abTestSchema>;
export type LookSaid = z.infer<typeof lookSchema>;

/** Of a plan, whichever version wrote it, what is shown. */
export const shownPlanSchema = toldPlanSchema.extend({
  trialId: trialIdSchema,
  times: z.object({ dayMs: z.number().min(1) }),
  stages: z
    .array(
      z.object({
        robots: z.int(),
        minimumHours: z.number(),
        maximumHours: z.number(),
        marginFraction: z.number().nullable(),
      }),
    )
    .max(20),
  approvalBefore: z.array(z.int()).default([]),
  abTest: z.object({ looks: z.int(), lookHours: z.number() }).nullable(),
  rolloutLimits: z.object({
    ...guardShape,
    advance: z.object({ minimumEpisodes: z.number() }),
    stages: z.array(z.object({ minimumTotalHours: z.number().default(0) })),
  }),
});
export type ShownPlan = z.infer<typeof shownPlanSchema>;
