import { createHash } from 'node:crypto';

import { z } from 'zod';

import { canonicalJson } from '../../domain/canonical-json.ts';
import { trialPlanSchema, type TrialPlan } from '../../domain/trial/index.ts';
import { failure } from '../../store/failures.ts';
import { jsonBytes, requireJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { trialKeys } from './trial-keys.ts';

/** Names a plan and what it must say. */
export const planReferenceSchema = z.strictObject({
  trialId: z.string().min(1).max(100),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});
export type PlanReference = z.infer<typeof planReferenceSchema>;

const digestOf = (plan: TrialPlan): string => createHash('sha256').update(canonicalJson(plan)).digest('hex');

const read = (store: ObjectStore, trialId: string): Promise<TrialPlan> =>
  requireJson(store, trialKeys.plan(trialId), trialPlanSchema, `trial ${trialId} was never planned`);

/** Writes a plan once; asked again, whatever stands there is the plan. */
export async function storePlan(
  store: ObjectStore,
  plan: TrialPlan,
): Promise<{ readonly plan: TrialPlan; readonly reference: PlanReference }> {
  await store.putIfAbsent(trialKeys.plan(plan.trialId), jsonBytes(plan));
  const standing = await read(store, plan.trialId);
  return { plan: standing, reference: { trialId: plan.trialId, digest: digestOf(standing) } };
}

export type PlanReader = (reference: PlanReference) => Promise<TrialPlan>;

const remembered = 50;

/** Reads plans by reference; a plan that does not have its digest is `CorruptData`. Plans never change, so they are kept. */
export function planReader(store: ObjectStore): PlanReader {
  const known = new Map<string, TrialPlan>();
  return async ({ trialId, digest }) => {
    const kept = known.get(digest);
    if (kept !== undefined) return kept;
    const plan = await read(store, trialId);
    if (digestOf(plan) !== digest)
      throw failure('CorruptData', `expected the plan with digest ${digest}, got ${digestOf(plan)}`, {
        coordinates: { key: trialKeys.plan(trialId) },
      });
    if (known.size >= remembered) known.clear();
    known.set(digest, plan);
    return plan;
  };
}
