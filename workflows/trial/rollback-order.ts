import { getExternalWorkflowHandle, log } from '@temporalio/workflow';

import type { PlanRollbackResult } from '../../activities/trials/read-fleet-state.ts';
import { undoneOrder } from '../../domain/trial/undo-rollback.ts';
import { fleetActivities, returnActivities } from '../shared/activity-proxies.ts';
import { nowMs } from '../shared/now.ts';
import { operatorSignal, type RollbackRequest } from './messages.ts';
import { operationId } from '../shared/run-ids.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';

/** Decides what a request comes to after the last record of the log; who asks makes a difference to undo a rollback, and there alone. */
export const planRequest = (policy: string, { target, who }: RollbackRequest): Promise<PlanRollbackResult> =>
  fleetActivities().planRollback({
    policy,
    ...(target === null ? {} : { target }),
    ...(undoneOrder(target) === undefined ? {} : { who }),
  });

/** Orders everybody onto a version at the place the plan decided on; undefined: somebody else wrote there. */
export async function writeOrder(
  policy: string,
  { seq: last, openTrialId }: PlanRollbackResult,
  version: string,
  { who, reason: why, target }: Pick<RollbackRequest, 'who' | 'reason' | 'target'>,
): Promise<number | undefined> {
  const undone = undoneOrder(target);
  // Nobody is in danger who comes back to what ran before a mistake: each robot ends its episode first.
  const urgency = undone === undefined ? 'safeStop' : 'whenIdle';
  const written = await returnActivities().endExposure({
    policy,
    version,
    ...(openTrialId === null ? {} : { trialId: openTrialId }),
    isForced: true,
    seq: last + 1,
    urgency,
    operationId: `${undone === undefined ? '' : `undo-${undone}-`}rollback-${operationId()}#${last + 1}`,
    who,
    why: undone === undefined ? why : `undoes the rollback of order ${undone}: ${why}`,
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
