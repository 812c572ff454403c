import { z } from 'zod';

import { lookPages } from '../../activities/incidents/where-to-look.ts';
import { severities } from '../../domain/monitoring/severity.ts';
import { damaged, read } from './read.ts';

/** The page that shows what it is about; null: none does. */
const see = z.strictObject({ page: z.enum(lookPages), query: z.record(z.string(), z.string()) }).nullable();

export const incidentsSchema = z.strictObject({
  ...read,
  ...damaged,
  /** The monitor's last look; null: nobody has looked yet, and nothing follows from an empty list. */
  lookedAtMs: z.number().nullable(),
  open: z.array(
    z.strictObject({
      incidentId: z.string(),
      cause: z.string(),
      subject: z.string(),
      openedAtMs: z.number(),
      reason: z.string(),
      acknowledgedBy: z.string().nullable(),
      /** `urgent`: robots may do harm, or nobody would hear of it. */
      severity: z.enum(severities),
      see,
    }),
  ),
  events: z.array(
    z.strictObject({
      incidentId: z.string(),
      cause: z.string(),
      subject: z.string(),
      state: z.string(),
      atMs: z.number(),
      reason: z.string(),
      who: z.string().optional(),
      see,
    }),
  ),
});
export type IncidentsAnswer = z.infer<typeof incidentsSchema>;
