import { getExternalWorkflowHandle, log, workflowInfo } from '@temporalio/workflow';

import type { PlannedTrial, PlanTrialInput } from '../../activities/trials/plan-trial.ts';
import { fleetActivities, planActivities, returnActivities } from '../shared/activity-proxies.ts';
import { nowMs } from '../shared/now.ts';
import { progressSignal, type StepProgress } from './messages.ts';
import { begunRun, type TrialMemory } from './run.ts';

interface Impossible {
  readonly impossible: string;
  readonly isForPeople: boolean;
}

const mostAbandoned = 5;

/** Plans a step. An alias that was left behind the assignment log is repaired, a trial that nobody judges any more closed first. */
async function planStep(input: Omit<PlanTrialInput, 'nowMs'>): Promise<PlannedTrial | Impossible> {
  const who = input.who ?? 'operator';
  await returnActivities().repairAliases({ policy: input.policy, who, why: 'found behind the assignment log' });
  for (let round = 0; round < mostAbandoned; round += 1) {
    const result = await planActivities().planTrial({ ...input, nowMs: nowMs() });
    if (result.kind === 'planned') return result;
    if (result.kind === 'impossible') return { impossible: result.reason, isForPeople: result.isForPeople };
    await closeAbandoned(input.policy, result.trialId, who);
  }
  return { impossible: 'other trials are opened on this fleet again and again', isForPeople: false };
}

/** The same, and what the step remembers from then on. */
export async function beginRun(
  input: Omit<PlanTrialInput, 'nowMs'> & { readonly who: string },
): Promise<TrialMemory | Impossible> {
  const plan = await planStep(input);
  return 'impossible' in plan ? plan : begunRun(input.policy, input.who, plan);
}

/** A run that was terminated left robots assigned to its trial; the lease has taken them back already. */
async function closeAbandoned(policy: string, trialId: string, who: string): Promise<void> {
  const { choice, seq: last } = await fleetActivities().planRollback({ policy });
  if (choice.kind !== 'endTrial' || choice.trialId !== trialId) return;
  const seq = last + 1;
  const why = `trial ${trialId} was left open by a run that ended`;
  const operationId = `${trialId}#${seq}`;
  const order = { policy, trialId, version: choice.version, seq, operationId, who, why, atMs: nowMs() };
  await returnActivities().endExposure({ ...order, urgency: 'whenIdle' });
  await returnActivities().repairAliases({ policy, who, why });
}

/** Tells the trial this step belongs to how far it is, and what its promotion will not do; a step that was started alone tells nobody. */
export function progressTeller(withheld?: string): (progress: StepProgress) => void {
  const { parent } = workflowInfo();
  let told = '';
  return ({ kind, reason }) => {
    if (parent === undefined || told === kind) return;
    told = kind;
    getExternalWorkflowHandle(parent.workflowId)
      .signal(progressSignal, { kind, reason, ...(withheld === undefined ? {} : { withheld }) })
      .catch((error: unknown) => log.info('the trial did not hear of the progress', { error }));
  };
}
