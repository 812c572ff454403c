import { z } from 'zod';

import { countSchema, sha256Schema } from './identifiers.ts';

/** Content type of `PUT /v1/robots/:id/segments/:sha256`; a body of unknown length is refused (400). */
export const segmentContentType = 'application/vnd.apache.parquet';

/** 201: stored now. 200: already there. Either way the robot may delete its copy. */
export const segmentAnswerSchema = z.strictObject({
  sha256: sha256Schema,
  sizeBytes: countSchema,
  outcome: z.enum(['stored', 'alreadyStored']),
});
export type SegmentAnswer = z.infer<typeof segmentAnswerSchema>;
