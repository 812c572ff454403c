import { z } from 'zod';

import { goldenImageSchema } from './golden-images.ts';

const rows = z.array(z.array(z.number())).min(1).max(4096);

/** `golden.json` of a version: inputs with the answers the model gave when it was judged; a robot that gets others must not use it. */
export const goldenAnswersSchema = z.object({
  observations: rows,
  tasks: z.array(z.int().min(0)).min(1).max(4096),
  outputs: rows,
  /** An output at a time: the largest difference that is still the same answer, on another processor. */
  tolerances: z.array(z.number().positive()).min(1).max(4096),
  /** What the cameras show that the model sees, one entry each; not there for a model without. */
  images: z.array(goldenImageSchema).min(1).max(8).optional(),
});

export type GoldenAnswers = z.infer<typeof goldenAnswersSchema>;
