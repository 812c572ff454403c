import { continueAsNew, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';

import { abTransition, begunAbTest, type AbEvent, type AbProgress } from '../domain/ab-test/progress.ts';
import type { JudgeLookResult } from '../activities/trials/judge-look.ts';
import type { JudgeTickResult } from '../activities/trials/judge-tick.ts';
import { returnActivities } from './shared/activity-proxies.ts';
import { idGuard } from './shared/fixed-id.ts';
import { nowMs } from './shared/now.ts';
import { parsedInput } from './shared/parse-input.ts';
import { planStep, progressTeller } from './trial/plan-step.ts';
import { outcomeAttribute, policyAttribute } from './shared/search-attributes.ts';
import { guardedLoop, hearing, returningWhenCancelled, type Step } from './trial/guarded-loop.ts';
import { abTestStatusQuery, operatorSignal, type AbTestResult, type OperatorMessage } from './trial/messages.ts';
import { begunRun, fleetNow, look, nobody, type TrialMemory } from './trial/run.ts';
import { describeAbTest } from './trial/status-page.ts';
import { trialIdOf } from './shared/run-ids.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';

/** What a run hands to the next one when its history has grown long; ≤ 8 KiB. */
interface Carried {
  readonly run: TrialMemory;
  readonly progress: AbProgress;
}

const hourMs = 3_600_000;

/**
 * Tries a candidate on part of the fleet against the champion on the rest: planned first, looked at every six hours, watched
 * by the guard at every tick. Whatever the decision, both arms end on the champion.
 */
export async function abTest(input?: unknown, carried?: Carried): Promise<AbTestResult> {
  const requireId = idGuard();
  const inbox: OperatorMessage[] = [];
  let progress = carried?.progress ?? begunAbTest(0);
  let lastTick: JudgeTickResult | undefined;
  let lastLook: JudgeLookResult | undefined;
  let trialId = carried?.run.plan.plan.trialId ?? '';
  setHandler(abTestStatusQuery, () => ({
    progress,
    trialId,
    ...(lastTick === undefined ? {} : { tick: lastTick }),
    ...(lastLook === undefined ? {} : { look: lastLook }),
  }));
  setHandler(operatorSignal, hearing(inbox));
  return returningWhenCancelled(inbox, async () => {
    const { policy, ...request } = await parsedInput('abTest', input);
    upsertSearchAttributes([{ key: policyAttribute, value: policy }]);
    if (carried === undefined) requireId(workflowIds.abTest(workflowIds.trialPolicy(policy)));
    const ownId = trialIdOf(policy, 'ab');
    const run = carried?.run ?? (await begun(policy, ownId));
    if ('impossible' in run) {
      const decision = run.isForPeople ? 'infeasible' : 'notStarted';
      upsertSearchAttributes([{ key: outcomeAttribute, value: decision }]);
      return { ...unfinished, decision, reason: run.impossible, trialId: ownId };
    }
    ({ trialId } = run.plan.plan);
    if (carried === undefined) progress = begunAbTest(fleetNow(run));
    const tell = progressTeller();
    const apply = (event: AbEvent): void => {
      progress = abTransition(progress, event);
      tell(progress);
    };
    const { abTest: test, stages, candidateVersion } = run.plan;
    const hoursTotal = (): number => (fleetNow(run) - (progress.startedAtMs ?? fleetNow(run))) / hourMs;

    /** A look that is due is taken once; of several that were missed the latest. */
    const takeLook = async (): Promise<void> => {
      if (test === null || progress.kind !== 'watching') return;
      const due = Math.min(test.looks, Math.floor(progress.watchedMs / hourMs / test.lookHours + 1e-9));
      if (due < test.firstLook || due <= progress.looksDone) return;
      const judged = await look(run, { look: due, hoursTotal: hoursTotal() }, progress.faultyRobots);
      if (judged.kind === 'unjudged') return;
      lastLook = judged.result;
      const { decision, reason } = judged.result;
      apply({ kind: 'looked', atMs: fleetNow(run), look: due, decision, reason });
    };

    const step: Step = {
      isEnded: () => progress.kind === 'ended',
      wantsReturn: () =>
        progress.kind === 'returning'
          ? { urgency: progress.end === 'harmful' ? 'safeStop' : 'whenIdle', reason: progress.reason }
          : undefined,
      wantsExposure: () =>
        progress.kind !== 'returning' && progress.writtenExposure < progress.wantedExposure
          ? {
              exposure: progress.wantedExposure,
              robots: stages[0]?.robots ?? 1,
              isLastStage: false,
              why: `A/B test of ${candidateVersion}: ${progress.reason}`,
            }
          : undefined,
      faultyRobots: () => progress.faultyRobots,
      guardClock: () => ({ stage: 0, hoursInStage: hoursTotal(), hoursTotal: hoursTotal() }),
      heard: (message, atMs) => {
        if (message.kind !== 'approved' && message.kind !== 'rejected') apply({ ...message, kind: message.kind, atMs });
      },
      exposed: (exposure, atMs) => apply({ kind: 'exposed', atMs, exposure }),
      exposureRefused: (reason, atMs) => apply({ kind: 'exposureRefused', atMs, reason }),
      leaseLapsed: (atMs) => apply({ kind: 'leaseLapsed', atMs }),
      ticked: (result, atMs) => {
        lastTick = result;
        const { suspectRobotId, verdict, reason, stopsClock = false } = result;
        apply({ kind: 'ticked', atMs, verdict, reason, stopsClock, ...(suspectRobotId && { suspectRobotId }) });
      },
      returned: (atMs) => apply({ kind: 'returned', atMs }),
      afterTick: takeLook,
      afterExposure: async () => undefined,
      show: () => setCurrentDetails(describeAbTest(run.plan, progress, lastTick, lastLook)),
      continueAsNew: () => continueAsNew<typeof abTest>(input, { run, progress }),
    };
    const robots = await guardedLoop(step, run, inbox);

    const result: AbTestResult = {
      decision: progress.end ?? 'aborted',
      reason: progress.reason,
      trialId,
      candidateVersion,
      anchorLossFraction: lastLook?.anchorLossFraction ?? null,
      faultyRobots: progress.faultyRobots,
      robots,
    };
    upsertSearchAttributes([{ key: outcomeAttribute, value: result.decision }]);
    const { decision: outcome, reason } = result;
    const end = { trialId, policy, candidateVersion, outcome, reason, atMs: nowMs() };
    await returnActivities().recordTrialEnd({ ...end, facts: { robots, faultyRobots: [...result.faultyRobots] } });
    return result;

    async function begun(policy: string, trialId: string) {
      const plan = await planStep({ ...request, policy, kind: 'abTest', trialId });
      return 'impossible' in plan ? plan : begunRun(policy, request.who, plan);
    }
  });
}

const unfinished = { candidateVersion: null, anchorLossFraction: null, faultyRobots: [], robots: nobody };
