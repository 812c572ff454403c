import { z } from 'zod';

import { jsonBytes, readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { instantMsSchema, trialIdSchema } from '../protocol/index.ts';
import { fleetKeys } from './keys.ts';

/** The dead-man's switch of a trial: robots may run its candidate until `endMs`, unless it is renewed. */
export const leaseSchema = z.strictObject({
  trialId: trialIdSchema,
  renewedAtMs: instantMsSchema,
  endMs: instantMsSchema,
});
export type Lease = z.infer<typeof leaseSchema>;

export const defaultLeaseMs = 30 * 60_000;

export const readLease = (store: ObjectStore, policy: string, trialId: string): Promise<Lease | undefined> =>
  readJson(store, fleetKeys.lease(policy, trialId), leaseSchema);

/** Rewrites the lease; one that already ends later stays, so that a stalled attempt shortens nothing. Idempotent. */
export async function writeLease(store: ObjectStore, policy: string, lease: Lease): Promise<Lease> {
  const standing = await readLease(store, policy, lease.trialId);
  if (standing !== undefined && standing.endMs >= lease.endMs) return standing;
  await store.put(fleetKeys.lease(policy, lease.trialId), jsonBytes(lease));
  return lease;
}
