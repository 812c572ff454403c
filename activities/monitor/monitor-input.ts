import { z } from 'zod';

import {
  defaultMonitorLimits,
  whyNoMonitorLimits,
  type MonitorLimits,
} from '../../domain/monitoring/monitor-limits.ts';

/** Limits with their defaults filled in; what makes no sense is refused with its field. */
export const monitorLimitsSchema = z
  .record(z.string(), z.unknown())
  .superRefine((given, context) => {
    const why = Object.keys(given).length === 0 ? undefined : whyNoMonitorLimits(given);
    if (why !== undefined) context.addIssue({ code: 'custom', message: why });
  })
  .transform((given): MonitorLimits => ({ ...defaultMonitorLimits, ...given }));

/** What a look is asked with. */
export const observeFleetSchema = z.strictObject({
  policy: z.string().min(1),
  /** Names the look: real time, later than any before. */
  nowMs: z.int(),
  /** Real length of a fleet day. */
  dayMs: z.number().positive(),
  limits: monitorLimitsSchema,
  automaticRollback: z.boolean(),
  /** The promotion that was rolled back automatically already. */
  rolledBack: z.string().nullable(),
  /** What a look at drift found since the last look; null: there was none. */
  drift: z.strictObject({ alarm: z.boolean(), reason: z.string() }).nullable(),
  acknowledgements: z.array(z.strictObject({ incidentId: z.string(), who: z.string(), reason: z.string() })).max(50),
});
export type ObserveFleetInput = z.input<typeof observeFleetSchema>;
export type ObserveRequest = z.output<typeof observeFleetSchema>;
