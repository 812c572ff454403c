import { z } from 'zod';

import { changeKinds } from '../../activities/incidents/fleet-changes.ts';
import { lookPages } from '../../activities/incidents/where-to-look.ts';
import { severities } from '../../domain/monitoring/severity.ts';
import { championWays } from '../../domain/registry/champion-changes.ts';
import { damaged, read } from './read.ts';

/** The page that shows what it is about; null: none does. */
const see = z.strictObject({ page: z.enum(lookPages), query: z.record(z.string(), z.string()) }).nullable();

/** What was done to the whole fleet; fields as the log has them, null where they do not apply. */
const changeSchema = z.strictObject({
  kind: z.enum(changeKinds),
  atMs: z.number(),
  /** What robots run by it. */
  version: z.string().nullable(),
  /** Of a stage of a trial: how many robots get the candidate; null: all but a few, or it is no stage. */
  robots: z.int().nullable(),
  way: z.enum(championWays).nullable(),
  untilMs: z.number().nullable(),
  who: z.string(),
  why: z.string(),
});

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
  /** Of incidents of the whole fleet: what was ordered, promoted, put back and frozen in the 7 days before each opened; null: that cannot be read now. */
  changesBefore: z
    .array(
      z.strictObject({
        incidentId: z.string(),
        openedAtMs: z.number(),
        /** Newest first, the first 5 of `total`. */
        items: z.array(changeSchema),
        total: z.int(),
      }),
    )
    .nullable(),
});
export type IncidentsAnswer = z.infer<typeof incidentsSchema>;
