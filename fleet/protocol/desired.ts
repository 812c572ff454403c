import { z } from 'zod';

import { policyNameSchema, policyVersionSchema, sha256Schema, trialIdSchema } from './identifiers.ts';
import { wireLimits } from './limits.ts';

export const urgencies = ['whenIdle', 'safeStop'] as const;
/** `whenIdle`: never in the middle of an episode. `safeStop`: ask for a safe stop, end the episode as aborted (`rollback`), switch. */
export type Urgency = (typeof urgencies)[number];

/**
 * Names one version and what its bytes must be. The signature is the one in the version's `manifest.json` and covers the
 * canonical JSON of the manifest, which lists the digest of every file: fetch it, verify it with the pinned key, and hold
 * `model.onnx` against it before anything is installed.
 */
export const modelReferenceSchema = z.strictObject({
  version: policyVersionSchema,
  /** Of `model.onnx`. */
  sha256: sha256Schema,
  sizeBytes: z.int().min(1).max(wireLimits.maxModelBytes),
  /** Ed25519, base64. */
  signature: z.string().regex(/^[A-Za-z0-9+/]{86}==$/, 'expected an Ed25519 signature in base64'),
  publicKeyId: z.string().regex(/^[0-9a-f]{16}$/, 'expected 16 hex digits'),
});
export type ModelReference = z.infer<typeof modelReferenceSchema>;

/** Query of `GET /v1/robots/:id/desired`: with an `If-None-Match` that still holds, the answer (304) may wait this long. */
export const desiredQuerySchema = z.strictObject({
  waitMs: z.coerce.number().int().min(0).max(wireLimits.maxLongPollMs).default(0),
});

/**
 * What the robot should run. The ETag covers exactly this body, so a lease that is renewed changes nothing here: what
 * remains of it comes as header `flywheel-lease-remaining-ms` with 200 and 304 alike. A robot that could not renew for that
 * long, by its monotonic clock, goes to `champion` by itself. 404 while the policy has no champion yet.
 */
export const desiredAnswerSchema = z.strictObject({
  policy: policyNameSchema,
  /** Position in the policy's assignment log; -1 for the registry's champion before any assignment. */
  seq: z
    .int()
    .min(-1)
    .max(2 ** 48),
  model: modelReferenceSchema,
  urgency: z.enum(urgencies),
  /** Trial the version is on; null for the fleet's champion. Outcomes carry it. */
  trialId: trialIdSchema.nullable(),
  /** Whether the version holds only while its lease lives. */
  isLeased: z.boolean(),
  /** What to fall back to when the lease ends; equal to `model` outside a trial. */
  champion: modelReferenceSchema,
  /** The safe fallback every robot keeps on disk; null when none is registered. */
  baseline: modelReferenceSchema.nullable(),
});
export type DesiredAnswer = z.infer<typeof desiredAnswerSchema>;
