import { z } from 'zod';

import { groupings } from '../../activities/metrics/fact-sums.ts';
import { metricNames } from '../../domain/metrics/index.ts';
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
