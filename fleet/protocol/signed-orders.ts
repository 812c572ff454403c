import { z } from 'zod';

import { canonicalJson } from '../../domain/canonical-json.ts';
import { pathSchema, placeSchema } from '../../domain/trust/order-tree.ts';
import { envelopeSchema, type Envelope, type TrustCrypto } from '../../domain/trust/signed.ts';
import { desiredAnswerSchema, modelReferenceSchema } from './desired.ts';
import { instantMsSchema, policyNameSchema, sha256Schema, trialIdSchema } from './identifiers.ts';

/** Longest lease a robot believes, whatever was signed. */
export const maxLeaseMs = 24 * 3_600_000;
/** How long after its signing a seal may still be taken; a desk signs anew every minute. */
export const sealValidForMs = 24 * 3_600_000;

const durationSchema = z
  .int()
  .min(0)
  .max(366 * 24 * 3_600_000);

/**
 * What the desk signs: every order of a policy, by the root of their tree, and what holds for how long. Signed anew every tick;
 * the first part changes with an assignment only. Readers ignore fields they do not know.
 */
export const sealSchema = z.object({
  kind: z.literal('flywheel.seal/1'),
  policy: policyNameSchema,
  /** Epoch of the order key that signs. */
  epoch: z.int().min(1).max(1_000_000),
  /** Position in the policy's assignment log; -1 before any assignment. */
  seq: z
    .int()
    .min(-1)
    .max(2 ** 48),
  /** Root of the tree of orders. */
  orders: sha256Schema,
  /** Newest root document the desk knows. */
  rootVersion: z.int().min(1).max(1_000_000),
  issuedAtMs: instantMsSchema,
  validForMs: durationSchema,
  /** Trials whose candidate may run until `issuedAtMs + leaseMs`. */
  leases: z.array(z.object({ trialId: trialIdSchema, leaseMs: durationSchema })).max(100),
});
export type Seal = z.infer<typeof sealSchema>;

const referenceSchema = z.object(modelReferenceSchema.shape);

const orderShape = {
  ...desiredAnswerSchema.shape,
  model: referenceSchema,
  champion: referenceSchema,
  baseline: referenceSchema.nullable(),
  robotType: z.object({ id: z.string().min(1).max(63), version: z.int().min(1), digest: sha256Schema }),
};

/** What one robot, or every robot without an order of its own, is to run, and on which robot type that is. */
export const robotOrderSchema = z.object({
  ...orderShape,
  /** What the assignment says, where the robot's body gets another version or has another name; for the desk, not for robots. */
  asked: z.object(orderShape).omit({ policy: true, seq: true }).exactOptional(),
  /** Counts the orders that a robot was given under one place, because its body or what serves it changed; absent for the first. */
  fit: z.int().min(1).max(1_000_000_000).exactOptional(),
});
export type RobotOrder = z.infer<typeof robotOrderSchema>;

/** The digest of an order as it stands in the tree. */
export const orderDigest = (order: unknown, crypto: Pick<TrustCrypto, 'sha256'>): string =>
  crypto.sha256(canonicalJson(order));

/** Where a robot stands in the tree. */
export const robotDigest = (robotId: string, crypto: Pick<TrustCrypto, 'sha256'>): string =>
  crypto.sha256(`robot\n${robotId}`);

/** Body of `desired` for whoever asks for signed orders: the order as it was signed, and the way from it to the seal's root. */
export const signedDesiredSchema = z.object({
  order: z.record(z.string(), z.unknown()),
  place: placeSchema,
  path: pathSchema,
});
export type SignedDesired = z.infer<typeof signedDesiredSchema>;

/** A seal is about 700 bytes. */
const maxSealHeader = 8 * 1024;

/** A seal with its signature as a header value. */
export const sealHeader = (envelope: Envelope): string => Buffer.from(JSON.stringify(envelope)).toString('base64url');

/** The seal in a header; undefined for none, or for what is no seal at all. */
export function readSealHeader(header: string | null): Envelope | undefined {
  if (header === null || header.length > maxSealHeader) return undefined;
  try {
    return envelopeSchema.parse(JSON.parse(Buffer.from(header, 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}
