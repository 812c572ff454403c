import { z } from 'zod';

import { damaged, read } from './read.ts';

const sizes = z.strictObject({ reference: z.number(), current: z.number() });

export const driftSchema = z.strictObject({
  ...read,
  ...damaged,
  policy: z.string(),
  /** When it was looked; null: no look is kept, and nothing follows from no rows. */
  lookMs: z.number().nullable(),
  alarm: z.boolean(),
  /** Alarms first, then what is worth a look, each the farthest over its limit first; at most 200 of `rowsTotal`. */
  rows: z.array(
    z.strictObject({
      /** null: numbers that robots record; else what clips of this camera look like. */
      camera: z.string().nullable(),
      /** null: all features together. */
      feature: z.string().nullable(),
      /** `stability`: population stability index · `distance`: Kolmogorov–Smirnov distance · `together`: p of the joint test. */
      statistic: z.enum(['stability', 'distance', 'together']),
      value: z.number(),
      /** What makes an alarm: at least so much, of `together` less than that. */
      limit: z.number(),
      /** 1 is at the limit, more is over it. */
      timesLimit: z.number(),
      /** `chance`: over the limit, and samples of so few robots differ as much without drift. */
      state: z.enum(['alarm', 'warn', 'chance', 'within']),
      samples: sizes,
      robots: sizes,
    }),
  ),
  rowsTotal: z.int(),
});
export type DriftAnswer = z.infer<typeof driftSchema>;
