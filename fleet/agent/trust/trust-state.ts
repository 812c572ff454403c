import { z } from 'zod';

import { envelopeSchema } from '../../../domain/trust/signed.ts';
import { elapsedSince, type MachineMoment } from '../local/times.ts';

const momentSchema = z.object({ machineBootId: z.string(), monotonicMs: z.number() });

const heldSchema = z.object({
  epoch: z.int(),
  seq: z.int(),
  /** Digest of what it makes the robot do: the same under one place and `fit`, for ever. */
  acting: z.string(),
  /** Which order under that place it was; absent for the first. */
  fit: z.int().min(1).optional(),
  /** Root of the tree of orders it came from. */
  orders: z.string(),
  trialId: z.string().nullable(),
  isLeased: z.boolean(),
});

/** What a robot knows of who may order it about, and of what was ordered; `trust.json`, replaced whole. */
export const trustStateSchema = z.object({
  /** Names what the robot was given to trust; with something else it begins anew. */
  anchor: z.string(),
  /** Newest root document; null while only one key is known and the fleet signs no orders. */
  root: envelopeSchema.nullable(),
  /** Whose orders it follows; the first signed one says so, and then only a transfer. */
  policy: z.string().nullable(),
  /** The order it follows; null before the first signed one. */
  held: heldSchema.nullable(),
  /** What it held last of the policies that it followed before. */
  left: z.array(z.object({ policy: z.string(), held: heldSchema })).default([]),
  /** The last transfer that it took; null before the first. */
  transfer: z.object({ epoch: z.int(), seq: z.int(), issuedAtMs: z.number() }).nullable().default(null),
  /** Last place in the log of an unsigned order; null before the first. */
  plainSeq: z.int().nullable(),
  /** Newest moment of signing it has seen, and when by the machine's clock. */
  signed: z.object({ atMs: z.number(), seen: momentSchema }).nullable(),
  /** For how long nothing fresh had been signed, and when that was written down. */
  unfresh: z.object({ forMs: z.number().min(0), at: momentSchema }),
});
export type TrustState = z.infer<typeof trustStateSchema>;

export const emptyTrust = (anchor: string, now: MachineMoment): TrustState => ({
  anchor,
  root: null,
  policy: null,
  held: null,
  left: [],
  transfer: null,
  plainSeq: null,
  signed: null,
  unfresh: { forMs: 0, at: now },
});

/**
 * "It is at least this late": the newest moment of signing, plus what the monotonic clock counted since. No wall clock and no
 * gateway can make it wrong; time while the machine was off is not in it. 0 when nothing is known.
 */
export function earliestNow({ signed }: Pick<TrustState, 'signed'>, now: MachineMoment): number {
  if (signed === null) return 0;
  return signed.atMs + Math.max(0, elapsedSince(signed.seen, now) ?? 0);
}
