import { getExternalWorkflowHandle, log } from '@temporalio/workflow';

import type { PlanRollbackResult } from '../../activities/trials/read-fleet-state.ts';
import { returnActivities } from '../shared/activity-proxies.ts';
import { nowMs } from '../shared/now.ts';
import { operatorSignal } from './messages.ts';
import { operationId } from '../shared/run-ids.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';

/** Orders everybody onto a version at the place the plan decided on; undefined: somebody else wrote there. */
export async function writeOrder(
  policy: string,
  { seq: last, openTrialId }: PlanRollbackResult,
  version: string,
  { who, why }: { readonly who: string; readonly why: string },
): Promise<number | undefined> {
  const written = await returnActivities().endExposure({
    policy,
    version,
    ...(openTrialId === null ? {} : { trialId: openTrialId }),
    isForced: true,
    seq: last + 1,
    urgency: 'safeStop',
    operationId: `rollback-${operationId()}#${last + 1}`,
    who,
    why,
    atMs: nowMs(),
  });
  return written.kind === 'written' ? written.seq : undefined;
}

/** The trial's robots are on the way already; its workflows end with the reason. */
export async function tellTrial(policy: string, reason: string): Promise<void> {
  const slot = workflowIds.trialPolicy(policy);
  for (const id of [workflowIds.rolloutPolicy(slot), workflowIds.abTest(slot)])
    try {
      await getExternalWorkflowHandle(id).signal(operatorSignal, { kind: 'rollbackRequested', reason });
    } catch (error) {
      log.info('no such step of a trial runs', { id, error });
    }
}
