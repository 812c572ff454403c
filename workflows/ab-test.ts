import { continueAsNew, setHandler, upsertSearchAttributes } from '@temporalio/workflow';

import { begunAbTest } from '../domain/ab-test/progress.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { returnActivities } from './shared/activity-proxies.ts';
import { idGuard } from './shared/fixed-id.ts';
import { nowMs } from './shared/now.ts';
import { parsedInput } from './shared/parse-input.ts';
import { trialIdOf } from './shared/run-ids.ts';
import { outcomeAttribute, policyAttribute } from './shared/search-attributes.ts';
import { AbTestStep, type CarriedAbTest } from './trial/ab-test-step.ts';
import { guardedLoop, hearing, returningWhenCancelled } from './trial/guarded-loop.ts';
import { abTestStatusQuery, operatorSignal, type AbTestResult, type OperatorMessage } from './trial/messages.ts';
import { beginRun } from './trial/plan-step.ts';
import { fleetNow, nobody } from './trial/run.ts';

/**
 * Tries a candidate on part of the fleet against the champion on the rest: planned first, looked at every six hours, watched
 * by the guard at every tick. Whatever the decision, both arms end on the champion.
 */
export async function abTest(input?: unknown, carried?: CarriedAbTest): Promise<AbTestResult> {
  const requireId = idGuard();
  const inbox: OperatorMessage[] = [];
  let step: AbTestStep | undefined;
  const { progress = begunAbTest(0), run: known } = carried ?? {};
  setHandler(abTestStatusQuery, () => step?.status ?? { progress, trialId: known?.plan.plan.trialId ?? '' });
  setHandler(operatorSignal, hearing(inbox));
  return returningWhenCancelled(inbox, async () => {
    const { policy, ...request } = await parsedInput('abTest', input);
    upsertSearchAttributes([{ key: policyAttribute, value: policy }]);
    if (carried === undefined) requireId(workflowIds.abTest(workflowIds.trialPolicy(policy)));
    const ownId = trialIdOf(policy, 'ab');
    const run = known ?? (await beginRun({ ...request, policy, kind: 'abTest', trialId: ownId }));
    if ('impossible' in run) {
      const decision = run.isForPeople ? 'infeasible' : 'notStarted';
      upsertSearchAttributes([{ key: outcomeAttribute, value: decision }]);
      return { ...unfinished, decision, reason: run.impossible, trialId: ownId };
    }
    step = new AbTestStep(carried ?? { run, progress: begunAbTest(fleetNow(run)) }, (next) =>
      continueAsNew<typeof abTest>(input, next),
    );
    const robots = await guardedLoop(step, run, inbox);
    const result = step.result(robots);
    const { decision: outcome, reason, trialId, faultyRobots } = result;
    upsertSearchAttributes([{ key: outcomeAttribute, value: outcome }]);
    const end = { trialId, policy, candidateVersion: run.plan.candidateVersion, outcome, reason, atMs: nowMs() };
    await returnActivities().recordTrialEnd({ ...end, facts: { robots, faultyRobots: [...faultyRobots] } });
    return result;
  });
}

const unfinished = { candidateVersion: null, anchorLossFraction: null, faultyRobots: [], robots: nobody };
