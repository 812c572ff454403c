import { z } from 'zod';

import { groupings } from '../../activities/metrics/fact-sums.ts';
import { metricNames } from '../../domain/metrics/index.ts';
import { championWays } from '../../domain/registry/champion-changes.ts';
import { damaged, read } from './read.ts';

export const metricSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('value'),
    value: z.number(),
    n: z.number(),
    low: z.number().nullable(),
    high: z.number().nullable(),
  }),
  z.strictObject({ kind: z.literal('noData'), why: z.string() }),
  z.strictObject({ kind: z.literal('notDefined'), why: z.string() }),
]);
export const metricsSchema = z.strictObject({
  ...read,
  ...damaged,
  policy: z.string(),
  by: z.enum(groupings).nullable(),
  from: z.string(),
  to: z.string(),
  /** `noFacts`: nobody makes facts yet; `empty`: nothing was told in this time. */
  state: z.enum(['read', 'empty', 'noFacts']),
  asOfMs: z.number().nullable(),
  currency: z.string().nullable(),
  definitions: z.array(
    z.strictObject({ name: z.enum(metricNames as [string]), unit: z.string(), sentence: z.string() }),
  ),
  groups: z.array(
    z.strictObject({
      name: z.string(),
      metrics: z.array(z.strictObject({ name: z.enum(metricNames as [string]), metric: metricSchema })),
    }),
  ),
});
export type MetricsAnswer = z.infer<typeof metricsSchema>;

/** Success of a whole fleet over time, and when its champion changed. */
export const successCourseSchema = z.strictObject({
  ...read,
  policy: z.string(),
  /** UTC days. */
  from: z.string(),
  to: z.string(),
  state: z.enum(['read', 'empty', 'noFacts']),
  asOfMs: z.number().nullable(),
  /** How long each piece of time is. */
  stepMs: z.number(),
  /** Oldest first, the last 150; pieces without a counted episode are left out. */
  points: z.array(z.strictObject({ fromMs: z.number(), robots: z.int(), success: metricSchema })),
  /** Changes of the champion on these days, the last 100, oldest first, and before them the one that held when they began; null: that cannot be read. */
  champions: z
    .array(
      z.strictObject({
        atMs: z.number(),
        version: z.string(),
        way: z.enum(championWays),
        who: z.string(),
        why: z.string(),
      }),
    )
    .nullable(),
});
export type SuccessCourseAnswer = z.infer<typeof successCourseSchema>;
