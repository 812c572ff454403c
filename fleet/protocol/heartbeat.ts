import { z } from 'zod';

import { countSchema, instantMsSchema, policyVersionSchema, seqSchema, ulidSchema } from './identifiers.ts';

/** Bytes of images and of clips that wait, clips and logs of images that will be clips, images that are lost whatever the reason. */
export const imageCountsSchema = z.strictObject({
  waitingBytes: countSchema,
  waitingClips: countSchema,
  lost: countSchema,
});
export type ImageCounts = z.infer<typeof imageCountsSchema>;

/** `POST /v1/robots/:id/heartbeat`, every 30 s: what the fleet sees of a robot between its orders. */
export const heartbeatRequestSchema = z.strictObject({
  bootId: ulidSchema,
  /** Robot's wall clock when the request was sent. */
  clockMs: instantMsSchema,
  /** Version the robot runs now; null for none. */
  installedVersion: policyVersionSchema.nullable(),
  /** `seq` of the order the robot last obeyed, see `desired`; null before the first. */
  assignmentSeq: seqSchema.nullable(),
  isBusy: z.boolean(),
  /** What waits on the robot's disk, and what was lost to its quota since the disk was new. */
  waiting: z.strictObject({ sizeBytes: countSchema, segments: countSchema, telemetryEntries: countSchema }),
  droppedEpisodes: countSchema,
  /** Of a robot with cameras: what waits on its disk, and images lost since that was new. Only to gateways that know `imageCounts`. */
  images: imageCountsSchema.optional(),
});
export type HeartbeatRequest = z.infer<typeof heartbeatRequestSchema>;

export const heartbeatAnswerSchema = z.strictObject({
  /** Gateway's wall clock when it answered, for the skew. */
  clockMs: instantMsSchema,
});
export type HeartbeatAnswer = z.infer<typeof heartbeatAnswerSchema>;
