import { z } from 'zod';

import { envelopeSchema, type Envelope } from '../../domain/trust/signed.ts';
import { instantMsSchema, policyNameSchema, robotIdSchema, sha256Schema } from './identifiers.ts';

/** How long a robot may take a transfer after its signing, whatever was signed: it may have been switched off meanwhile. */
export const transferValidForMs = 30 * 24 * 3_600_000;

/** Policies that a transfer names as those the robot may still follow. */
export const mostFormerPolicies = 8;

/**
 * The word of the order key that a robot belongs to another policy from now on. A robot obeys no order of a policy other than the one it
 * follows unless this comes with it. Readers ignore fields they do not know.
 */
export const transferSchema = z.object({
  kind: z.literal('flywheel.transfer/1'),
  robotId: robotIdSchema,
  /** The policies that it may follow until now: the last one, and those it was taken out of before it heard of that. */
  from: z.array(policyNameSchema).min(1).max(mostFormerPolicies),
  to: policyNameSchema,
  /** The robot's own: one with another document does not take it. Whether a model is for it, the version says. */
  robotType: z.object({ id: z.string().min(1).max(63), version: z.int().min(1), digest: sha256Schema }),
  /** Epoch of the order key that signs. */
  epoch: z.int().min(1).max(1_000_000),
  /** Counts the transfers of this robot; one at or below the last that it took is none. */
  seq: z
    .int()
    .min(1)
    .max(2 ** 48),
  issuedAtMs: instantMsSchema,
  validForMs: z.int().min(0).max(transferValidForMs),
});
export type Transfer = z.infer<typeof transferSchema>;

/** A transfer is about 800 bytes. */
const maxTransferHeader = 8 * 1024;

/** A signed transfer as a header value. */
export const transferHeader = (envelope: Envelope): string =>
  Buffer.from(JSON.stringify(envelope)).toString('base64url');

/** The envelope in a header; undefined for none, or for what is none at all. */
export function readTransferHeader(header: string | null): Envelope | undefined {
  if (header === null || header.length > maxTransferHeader) return undefined;
  try {
    return envelopeSchema.parse(JSON.parse(Buffer.from(header, 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}
