import { z } from 'zod';

import { parseAbTestLimits, parseRolloutLimits, parseTaskLimits } from '../experiment/index.ts';

const positive = z.number().gt(0);
const count = z.int().min(0);

export const fleetTimesSchema = z.strictObject({
  dayMs: positive,
  tickMs: positive,
  leaseMs: positive,
  leastLookMs: z.number().min(0),
  leastStageTicks: count,
  missingAfterMs: positive,
  confirmMs: positive,
});

/** `FleetParameters` as they are kept; `ratePhi` is always told. */
export const fleetParametersSchema = z.strictObject({
  mu: z.number(),
  phi: z.number(),
  dayVariance: z.number(),
  betweenRobotVariance: z.number(),
  preDays: z.number(),
  ratePhi: z.number(),
});

/** A robot's own past on the champion's level. */
export const robotPastSchema = z.strictObject({ successes: z.number(), episodes: z.number(), days: z.number() });

const robotSchema = z.strictObject({
  robotId: z.string(),
  stratum: z.string(),
  baseline: robotPastSchema,
});

const stageSchema = z.strictObject({
  /** The first so many robots of the order run the candidate. */
  robots: z.int().min(1),
  minimumHours: z.number().min(0),
  maximumHours: positive,
  marginFraction: z.number().nullable(),
});

/**
 * Everything a trial is judged by, decided before the first robot is exposed and never changed: `trials/<trialId>/plan.json`,
 * pinned by digest. Robots stand in the order of their rank, so a larger stage contains every smaller one.
 */
export const trialPlanSchema = z.strictObject({
  kind: z.enum(['abTest', 'rollout']),
  policy: z.string(),
  trialId: z.string(),
  championVersion: z.string(),
  candidateVersion: z.string(),
  /** Real time. */
  createdAtMs: count,
  times: fleetTimesSchema,
  robots: z.array(robotSchema).min(1),
  /** Robots of the policy that take no part: in quarantine. They keep the champion. */
  excluded: z.array(z.string()),
  parameters: fleetParametersSchema,
  rolloutLimits: z.unknown().transform(parseRolloutLimits),
  abTestLimits: z.unknown().transform(parseAbTestLimits),
  taskLimits: z.unknown().transform(parseTaskLimits),
  /** What the fleet was seen doing before: must be proven even if no episode comes. */
  tasks: z.array(z.string()),
  /** Active tasks that both versions know: others are counted under one name and judged by none. Left out by plans of earlier versions. */
  catalogue: z.array(z.string()).max(1_024).optional(),
  /** Tasks that nobody compares: retired, or unknown to one of the two versions. Their episodes are in no cell. */
  leftOut: z.array(z.string()).max(1_024).optional(),
  stages: z.array(stageSchema).min(1),
  approvalBefore: z.array(z.int()),
  /** Null in a rollout. */
  abTest: z
    .strictObject({
      looks: z.int().min(1),
      lookHours: positive,
      informationMax: positive,
      allowEquivalent: z.boolean(),
      /** Loss that accepted equivalents have added up to since the best champion; null: unknown. */
      anchorLossFraction: z.number().nullable(),
    })
    .nullable(),
});

export type TrialPlan = Readonly<z.output<typeof trialPlanSchema>>;
export type TrialStage = TrialPlan['stages'][number];
