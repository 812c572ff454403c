import { z } from 'zod';

import { dictionary } from '../../domain/dictionary.ts';
import { parseAbTestLimits, parseRolloutLimits, parseTaskLimits } from '../../domain/experiment/limits.ts';
import { fleetProfiles, type FleetTimes } from '../../domain/trial/fleet-clock.ts';

const policyVersion = z
  .string()
  .regex(/^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/, 'expected a policy version like 1.2.3');

/** Limits as the judges read them: what makes no sense is refused here, with its field. */
const limits = (parse: (input: unknown) => unknown) =>
  z.record(z.string(), z.unknown()).superRefine((value, context) => {
    try {
      parse(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    }
  });

const ms = z
  .int()
  .min(1)
  .max(366 * 24 * 3_600_000);

/** Replaces single numbers of the profile; for tests and unusual fleets. */
const timesSchema = z.strictObject({
  dayMs: ms.optional(),
  tickMs: ms.optional(),
  leaseMs: ms.min(1_000).optional(),
  leastLookMs: z.int().min(0).optional(),
  leastStageTicks: z.int().min(0).max(1_000).optional(),
  missingAfterMs: ms.optional(),
  confirmMs: ms.optional(),
});

/** How a trial is asked for; every field has its default. */
export const trialRequestShape = {
  /** Default: the newest registered version above the champion. */
  candidateVersion: policyVersion.optional(),
  /** `compressed`: a fleet day in a minute. */
  profile: z.enum(['real', 'compressed']).default('real'),
  times: timesSchema.default({}),
  /** Share of the fleet on the candidate in the A/B test; 0.5 is a blue-green test. */
  candidateFraction: z.number().gt(0).max(0.5).default(0.2),
  /** Difference the A/B test is planned to see. */
  effectFraction: z.number().gt(0).lt(1).default(0.01),
  /** A candidate that is merely not worse is accepted too. */
  allowEquivalent: z.boolean().default(false),
  /** Stages a person lets begin, 0 to 3; below 20 robots always all. */
  approvalBefore: z.array(z.int().min(0).max(3)).max(4).default([]),
  /** Fleet hours after which nobody's approval is a no. */
  approvalHours: z.number().gt(0).max(8_784).default(72),
  rolloutLimits: limits(parseRolloutLimits).default({}),
  abTestLimits: limits(parseAbTestLimits).default({}),
  taskLimits: limits(parseTaskLimits).default({}),
  who: z.string().min(1).max(200).default('operator'),
  cause: z.string().min(1).max(200).default('asked for'),
};

const requestSchema = z.strictObject(trialRequestShape);
export type TrialRequest = z.output<typeof requestSchema>;

/** The profile with what the request replaces. */
export function timesOf({ profile, times }: Pick<TrialRequest, 'profile' | 'times'>): FleetTimes {
  const given = Object.entries(times).filter(([, value]) => value !== undefined);
  return { ...fleetProfiles[profile], ...dictionary(given) };
}
