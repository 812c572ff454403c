import { z } from 'zod';

import {
  countSchema,
  durationMsSchema,
  instantMsSchema,
  policyVersionSchema,
  seqSchema,
  trialIdSchema,
  ulidSchema,
} from './identifiers.ts';
import { wireLimits } from './limits.ts';

/** Every entry is told apart by (robot, boot, seq): what comes twice, through whatever gateway, counts once. */
const entryBase = {
  seq: seqSchema,
  /** By the robot's clock; corrected by the batch's skew. An episode's end, an event's moment. */
  atMs: instantMsSchema,
  /** Version that ran; null when the robot had none. */
  policyVersion: policyVersionSchema.nullable(),
  /** Trial under which it ran; null outside. */
  trialId: trialIdSchema.nullable(),
};

const partMsSchema = z.number().min(0).max(3_600_000);
export const latencyPartsSchema = z.strictObject({ decodingP50Ms: partMsSchema, policyP50Ms: partMsSchema });
export type LatencyParts = z.infer<typeof latencyPartsSchema>;

export const telemetryEntrySchema = z.discriminatedUnion('kind', [
  /** One ended episode: it counts to the version that ran it. */
  z.strictObject({
    ...entryBase,
    kind: z.literal('episode'),
    episodeId: ulidSchema,
    task: z.string().min(1).max(63),
    durationMs: durationMsSchema,
    outcome: z.enum(['success', 'failure', 'aborted']),
    /** `rollback` for episodes a safe stop ended: they belong to no arm. */
    failureReason: z.string().min(1).max(100).nullable(),
    intervened: z.boolean(),
    /** Frames in which an expert said otherwise; an older agent does not tell: 0. */
    correctedFrames: z.int().min(0).max(wireLimits.maxCorrectedFrames).default(0),
    /** Median latency of the policy over the episode; null when it was not asked. */
    latencyP50Ms: z.number().positive().max(3_600_000).nullable(),
    /**
     * Of the decisions whose images were decoded: median time for decoding and scaling, and for the rest, which is the policy's own. Not there
     * where nothing was decoded. Only to gateways that know `latencyParts`.
     */
    latencyParts: latencyPartsSchema.optional(),
  }),
  z.strictObject({ ...entryBase, kind: z.literal('safetyEvent'), event: z.string().min(1).max(100) }),
  /** Episodes the disk quota took before they were uploaded, since the last such entry. */
  z.strictObject({ ...entryBase, kind: z.literal('dropped'), successes: countSchema, others: countSchema }),
  /** The robot was asked so often for a task that its model does not know, since the last such entry; it did not act on it. */
  z.strictObject({ ...entryBase, kind: z.literal('refusedTask'), task: z.string().min(1).max(63), count: countSchema }),
  /** The robot worked or was ready for this long since the last such entry; for rates per hour online. */
  z.strictObject({ ...entryBase, kind: z.literal('online'), durationMs: durationMsSchema }),
]);
export type TelemetryEntry = z.infer<typeof telemetryEntrySchema>;

/** `POST /v1/robots/:id/telemetry`. Kept by the robot until it is answered. Entries in ascending order of seq. */
export const telemetryRequestSchema = z.strictObject({
  bootId: ulidSchema,
  /** Robot clock minus gateway clock when the entries were made, milliseconds. */
  clockSkewMs: z.int().min(-9_999_999_999_999).max(9_999_999_999_999),
  /** The robot had no contact in the boot in which these were made, and its clock is not to be trusted: `atMs` is a guess. */
  isTimeUnknown: z.literal(true).optional(),
  entries: z
    .array(telemetryEntrySchema)
    .min(1)
    .max(wireLimits.maxTelemetryEntries)
    .refine((entries) => entries.every(({ seq }, index) => index === 0 || seq > (entries[index - 1]?.seq ?? -1)), {
      message: 'expected entries in ascending order of seq',
    }),
});
export type TelemetryRequest = z.infer<typeof telemetryRequestSchema>;

/**
 * The same as gateways take it: they look at each entry for itself, so that a bad one keeps no good one back.
 */
export const telemetryEnvelopeSchema = telemetryRequestSchema.omit({ entries: true }).extend({
  entries: z
    .array(z.unknown())
    .min(1)
    .max(wireLimits.maxTelemetryEntries)
    .describe('Outcomes and events in ascending order of seq, each as fleet/protocol/telemetry.ts says'),
});

/**
 * 200: the robot need not send this batch again. `storedEntries` are stored for good; the others were refused for good (header
 * `flywheel-refused-entries`): no entry of the protocol, or a task that the robot type does not have. Nothing else acknowledges.
 */
export const telemetryAnswerSchema = z.strictObject({ storedEntries: countSchema, lastSeq: seqSchema });
export type TelemetryAnswer = z.infer<typeof telemetryAnswerSchema>;
