import { z } from 'zod';

import type { RobotPage } from '../../activities/robot-page.ts';
import { metricSchema } from './metrics.ts';
import { damaged, pageSchema, read } from './read.ts';

export const policiesSchema = z.strictObject({
  ...read,
  ...damaged,
  policies: z.array(z.strictObject({ policy: z.string(), robotType: z.string() })),
});
export type PoliciesAnswer = z.infer<typeof policiesSchema>;

export const fleetRobotSchema = z.strictObject({
  robotId: z.string(),
  site: z.string(),
  contact: z.enum(['online', 'silent', 'unknown']),
  lastSeenMs: z.number().nullable(),
  version: z.string().nullable(),
  /** Left out of trials and learning: since when, by whom, why; null: it is not. */
  quarantine: z.strictObject({ sinceMs: z.number(), who: z.string(), why: z.string() }).nullable(),
});
export const countsSchema = z.array(z.strictObject({ name: z.string(), robots: z.int() }));
export const fleetSchema = z.strictObject({
  ...read,
  ...damaged,
  /** `unknown`: no gateway says who is there; nothing follows from silence then. */
  presence: z.enum(['known', 'unknown']),
  /** Of all robots of the policy, whatever was searched for. */
  contacts: countsSchema,
  versions: countsSchema,
  sites: countsSchema,
  quarantined: z.int(),
  retired: z.int(),
  ...pageSchema(fleetRobotSchema),
});
export type FleetAnswer = z.infer<typeof fleetSchema>;

const success = { robots: z.int(), success: metricSchema };
/** How well a fleet did in the 24 hours before `asOfMs`, by counted episodes. */
export const fleetSuccessSchema = z.strictObject({
  ...read,
  policy: z.string(),
  /** `noFacts`: nobody makes facts from telemetry; `empty`: there is no counted episode in that time. */
  state: z.enum(['read', 'empty', 'noFacts']),
  /** How far the facts reach; null: there are none. */
  asOfMs: z.number().nullable(),
  fromMs: z.number().nullable(),
  all: z.strictObject(success),
  /** By number of episodes, the most first; the first 20 of `total`. */
  versions: z.array(z.strictObject({ version: z.string(), ...success })),
  total: z.int(),
});
export type FleetSuccessAnswer = z.infer<typeof fleetSuccessSchema>;

export const robotSchema = z.strictObject({ ...read, robot: z.record(z.string(), z.unknown()) });
/** What stands in `robot`. */
export type RobotAnswer = { readonly readAtMs: number; readonly robot: RobotPage };
