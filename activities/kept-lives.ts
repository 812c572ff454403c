import { z } from 'zod';

import { dictionarySchema } from '../domain/dictionary-schema.ts';

/** Lives of robots as documents keep them between two readings of telemetry, by `robot/boot`; see `RobotLives`. */
export const keptLivesSchema = dictionarySchema(
  z.object({
    runs: z.array(z.number()),
    heardMs: z.number(),
    fromMs: z.number().exactOptional(),
    untilMs: z.number().exactOptional(),
  }),
);
