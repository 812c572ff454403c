import { z } from 'zod';

import { defaultMonitorLimits, whyNoMonitorLimits, type MonitorLimits } from '../../domain/monitoring/index.ts';

/** Limits with their defaults filled in; what makes no sense is refused with its field. */
export const monitorLimitsSchema = z
  .record(z.string(), z.unknown())
  .superRefine((given, context) => {
    const why = Object.keys(given).length === 0 ? undefined : whyNoMonitorLimits(given);
    if (why !== undefined) context.addIssue({ code: 'custom', message: why });
  })
  .transform((given): MonitorLimits => ({ ...defaultMonitorLimits, ...given }));
