import { z } from 'zod';

import { damaged, read } from './read.ts';

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
    }),
  ),
});
export type IncidentsAnswer = z.infer<typeof incidentsSchema>;
