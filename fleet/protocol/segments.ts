import { z } from 'zod';

import { countSchema, sha256Schema } from './identifiers.ts';

/** Headers of `PUT /v1/robots/:id/segments/:sha256`; the body is the Parquet file. */
export const segmentHeadersSchema = z.object({
  'content-type': z.literal('application/vnd.apache.parquet'),
  /** Decimal; a body of unknown length is refused (400). */
  'content-length': z.coerce.number('expected a content-length in bytes').int().min(1),
});

export const segmentContentType = 'application/vnd.apache.parquet';

/** 201: stored now. 200: already there. Either way the robot may delete its copy. */
export const segmentAnswerSchema = z.strictObject({
  sha256: sha256Schema,
  sizeBytes: countSchema,
  outcome: z.enum(['stored', 'alreadyStored']),
});
export type SegmentAnswer = z.infer<typeof segmentAnswerSchema>;
