import { z } from 'zod';

const text = z.string().min(1).max(128);

/** One of several data sets to learn from, and how much of it. */
export const sourceSchema = z.strictObject({
  /** `id@version`; default: the policy's own robot type. Another one needs the same observations and actions. */
  robotType: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}@[1-9]\d{0,8}$/, 'expected a robot type like scitos-g5@1')
    .optional(),
  /** Only what was recorded at this site; default: at all sites. */
  site: text.optional(),
  /** Tasks of the source under other names than the policy's: taken as the policy's task `as`. */
  tasks: z
    .array(z.strictObject({ from: text, as: text }))
    .max(1000)
    .default([]),
  /** Share of the frames, relative to the other sources. */
  weight: z.number().positive().max(1e6),
});
export const sourcesSchema = z.array(sourceSchema).min(1).max(16);
export type Source = z.output<typeof sourceSchema>;
