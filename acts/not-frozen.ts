import { whyFrozen } from '../domain/trial/freeze.ts';
import type { Clock } from '../store/clock.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { readFreeze } from '../store/records/freezes.ts';
import { ActError } from './act-error.ts';

/** Refuses what would bring a trial of the policy further while that is frozen. */
export async function requireNotFrozen(
  { store, clock }: { readonly store: ObjectStore; readonly clock: Clock },
  policy: string,
): Promise<void> {
  const frozen = whyFrozen(await readFreeze(store, policy, clock()));
  if (frozen !== undefined) throw new ActError('no', `trials of ${policy} go no further: ${frozen}`);
}
