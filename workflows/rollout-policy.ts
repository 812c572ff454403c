import { continueAsNew, setHandler, upsertSearchAttributes } from '@temporalio/workflow';

import { workflowIds } from '../domain/contract/workflow-ids.ts';
import type { RolloutState } from '../domain/rollout/index.ts';
import { returnActivities } from './shared/activity-proxies.ts';
import { idGuard } from './shared/fixed-id.ts';
import { nowMs } from './shared/now.ts';
import { parsedInput } from './shared/parse-input.ts';
import { trialIdOf } from './shared/run-ids.ts';
import { outcomeAttribute, policyAttribute } from './shared/search-attributes.ts';
import { guardedLoop, hearing, returningWhenCancelled } from './trial/guarded-loop.ts';
import { operatorSignal, rolloutStatusQuery, type OperatorMessage, type RolloutResult } from './trial/messages.ts';
import { beginRun } from './trial/plan-step.ts';
import { plannedStep, RolloutStep, type CarriedRollout } from './trial/rollout-step.ts';
import { closeTrial, nobody, untilConfirmed } from './trial/run.ts';

/** Rolls a policy out stage by stage; a stage that is not proven harmless holds, a harmful one is undone. */
export async function rolloutPolicy(input?: unknown, carried?: CarriedRollout): Promise<RolloutResult> {
  const requireId = idGuard();
  const inbox: OperatorMessage[] = [];
  let step: RolloutStep | undefined;
  const { state: known = null, rows = [] } = carried ?? {};
  setHandler(rolloutStatusQuery, () => step?.status ?? { state: known, trialId: '', rows });
  setHandler(operatorSignal, hearing(inbox));
  return returningWhenCancelled(inbox, async () => {
    const { policy, isBetter, anchorLossFraction, ...request } = await parsedInput('rolloutPolicy', input);
    const { who } = request;
    upsertSearchAttributes([{ key: policyAttribute, value: policy }]);
    if (carried === undefined) requireId(workflowIds.rolloutPolicy(workflowIds.trialPolicy(policy)));
    const trialId = trialIdOf(policy, 'rollout');
    const run = carried?.run ?? (await beginRun({ ...request, policy, kind: 'rollout', trialId }));
    if ('impossible' in run) {
      upsertSearchAttributes([{ key: outcomeAttribute, value: 'notStarted' }]);
      return { ...unfinished, outcome: 'notStarted', reason: run.impossible, trialId };
    }
    step = new RolloutStep(carried ?? plannedStep(run), { policy, who, isBetter, anchorLossFraction }, (next) =>
      continueAsNew<typeof rolloutPolicy>(input, next),
    );
    if (carried === undefined) step.start();
    let robots = await guardedLoop(step, run, inbox);
    await step.recordAnswers();
    const { kind: outcome, reason, faultyRobots, proven } = step.state;
    const { candidateVersion: version, championVersion, plan, withheld } = run.plan;
    if (outcome === 'promoted') {
      const why = `${version} replaces ${championVersion}: ${reason}`;
      await closeTrial(run, { version, urgency: 'whenIdle', why, isBetter, lossFraction: anchorLossFraction });
      robots = await untilConfirmed(run);
    }
    upsertSearchAttributes([{ key: outcomeAttribute, value: outcome }]);
    const facts = {
      robots,
      faultyRobots: [...faultyRobots],
      stagesProven: proven.length,
      ...(outcome === 'promoted' && withheld !== undefined ? { withheld } : {}),
    };
    const end = { trialId: plan.trialId, policy, candidateVersion: version, outcome, reason, atMs: nowMs(), facts };
    await returnActivities().recordTrialEnd(end);
    return { outcome: ended(step.state), reason, trialId: plan.trialId, candidateVersion: version, ...facts };
  });
}

const unfinished = { candidateVersion: null, stagesProven: 0, faultyRobots: [], robots: nobody };

/** The state a finished loop leaves; the others never come here. */
function ended({ kind }: RolloutState): RolloutResult['outcome'] {
  return kind === 'promoted' || kind === 'rolledBack' || kind === 'aborted' ? kind : 'endedWithoutPromotion';
}
