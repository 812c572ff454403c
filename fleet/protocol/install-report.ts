import { z } from 'zod';

import { orderRefusals } from '../../domain/trust/order-refusals.ts';
import {
  instantMsSchema,
  policyVersionSchema,
  seqSchema,
  textSchema,
  trialIdSchema,
  ulidSchema,
} from './identifiers.ts';

export const installReasons = [
  /** The order said so. */
  'ordered',
  'leaseExpired',
  /** 14 days without contact. */
  'noContact',
  'crashLoop',
  'selfTestFailed',
  /** It did not load, pass its self-test or decide in the time and memory it had. */
  'deadlineMissed',
  'wrongDigest',
  'wrongSignature',
  'downloadFailed',
  'cannotLoad',
  /** What was on disk was not whole after a power cut. */
  'stateRecovered',
  ...orderRefusals,
] as const;

/** `POST /v1/robots/:id/install-report`: kept by the robot until it is answered; the same reportId counts once. */
export const installReportSchema = z.strictObject({
  reportId: ulidSchema,
  bootId: ulidSchema,
  /** By the robot's clock. */
  atMs: instantMsSchema,
  clockSkewMs: z.int().min(-9_999_999_999_999).max(9_999_999_999_999),
  /** `installed`: runs `version` now · `refused`: stayed on what it had · `fellBack`: left `attempted` by itself for `version`. */
  outcome: z.enum(['installed', 'refused', 'fellBack']),
  reason: z.enum(installReasons),
  /** What the robot runs now; null for none. */
  version: policyVersionSchema.nullable(),
  /** What was ordered or ran before, when it is not what runs now. */
  attempted: policyVersionSchema.nullable(),
  /** Order it followed or refused; null when there was none. */
  assignmentSeq: seqSchema.nullable(),
  trialId: trialIdSchema.nullable(),
  detail: textSchema,
});
export type InstallReport = z.infer<typeof installReportSchema>;

/** 200: stored; `seq` is its place in the robot's install log. */
export const installAnswerSchema = z.strictObject({ seq: seqSchema });
export type InstallAnswer = z.infer<typeof installAnswerSchema>;
