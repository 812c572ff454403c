import { continueAsNew, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';

import type { JudgeTickResult } from '../activities/trials/judge-tick.ts';
import {
  comingStageOf,
  exposureOf,
  guardClock,
  isTerminal,
  parseRolloutPlan,
  plannedRollout,
  transition,
  wantsExposure,
  type RolloutEvent,
  type RolloutState,
} from '../domain/rollout/index.ts';
import { fleetActivities, returnActivities } from './shared/activity-proxies.ts';
import { idGuard } from './shared/fixed-id.ts';
import { nowMs } from './shared/now.ts';
import { parsedInput } from './shared/parse-input.ts';
import { planStep, progressTeller } from './trial/plan-step.ts';
import { outcomeAttribute, policyAttribute } from './shared/search-attributes.ts';
import { guardedLoop, hearing, returningWhenCancelled, type Step } from './trial/guarded-loop.ts';
import {
  operatorSignal,
  rolloutStatusQuery,
  type OperatorMessage,
  type RolloutResult,
  type RolloutStatus,
  type StageRow,
} from './trial/messages.ts';
import { begunRun, closeTrial, fleetNow, nobody, untilConfirmed, type TrialMemory } from './trial/run.ts';
import { describeRollout } from './trial/status-page.ts';
import { trialIdOf } from './shared/run-ids.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';

/** What a run hands to the next one when its history has grown long; ≤ 8 KiB. */
interface Carried {
  readonly run: TrialMemory;
  readonly state: RolloutState;
  readonly rows: readonly StageRow[];
  readonly awaitingSinceMs: number | null;
}

/** A person's answer to a stage that waited for one. */
type Answer = Omit<Parameters<ReturnType<typeof returnActivities>['recordApproval']>[0], 'trialId'>;

const hourMs = 3_600_000;

/** Rolls a policy out stage by stage; a stage that is not proven harmless holds, a harmful one is undone. */
export async function rolloutPolicy(input?: unknown, carried?: Carried): Promise<RolloutResult> {
  const requireId = idGuard();
  const inbox: OperatorMessage[] = [];
  let status: RolloutStatus = { state: carried?.state ?? null, trialId: '', rows: carried?.rows ?? [] };
  setHandler(rolloutStatusQuery, () => status);
  setHandler(operatorSignal, hearing(inbox));
  return returningWhenCancelled(inbox, async () => {
    const { policy, isBetter, anchorLossFraction, ...request } = await parsedInput('rolloutPolicy', input);
    upsertSearchAttributes([{ key: policyAttribute, value: policy }]);
    if (carried === undefined) requireId(workflowIds.rolloutPolicy(workflowIds.trialPolicy(policy)));
    const trialId = trialIdOf(policy, 'rollout');
    const planned = carried?.run.plan ?? (await planStep({ ...request, policy, kind: 'rollout', trialId }));
    if ('impossible' in planned) {
      upsertSearchAttributes([{ key: outcomeAttribute, value: 'notStarted' }]);
      return { ...unfinished, outcome: 'notStarted', reason: planned.impossible, trialId };
    }
    const run = carried?.run ?? begunRun(policy, request.who, planned);
    const { plan, stages, candidateVersion, championVersion } = planned;
    const stagePlans = stages.map(({ robots, maximumHours }) => ({ robots, maximumHours }));
    const rolloutPlan = parseRolloutPlan({ stages: stagePlans, approvalBefore: planned.approvalBefore });
    let state = carried?.state ?? plannedRollout(rolloutPlan, fleetNow(run));
    let awaitingSinceMs = carried?.awaitingSinceMs ?? null;
    const answers: Answer[] = [];
    const recordAnswers = async (): Promise<void> => {
      for (const answer of answers.splice(0))
        await returnActivities().recordApproval({ trialId: plan.trialId, ...answer });
    };
    const tell = progressTeller();
    const apply = (event: RolloutEvent): void => {
      const after = transition(state, event);
      if (after.kind === 'awaitingApproval') awaitingSinceMs ??= after.atMs;
      else if (after.kind !== 'paused') awaitingSinceMs = null;
      state = after;
      status = { ...status, state, trialId: plan.trialId };
      tell(state);
    };
    if (carried === undefined) apply({ kind: 'started', atMs: fleetNow(run) });

    const step: Step = {
      isEnded: () => isTerminal(state),
      wantsReturn: () =>
        state.kind === 'returning'
          ? { urgency: state.end === 'rolledBack' ? 'safeStop' : 'whenIdle', reason: state.reason }
          : undefined,
      wantsExposure: () =>
        wantsExposure(state)
          ? {
              exposure: state.wantedExposure,
              robots: exposureOf(state).robots,
              isLastStage: state.stage === 3,
              why: `stage ${state.stage} of ${candidateVersion}: ${state.reason}`,
            }
          : undefined,
      faultyRobots: () => state.faultyRobots,
      guardClock: () => ({ stage: state.stage, ...guardClock(state, fleetNow(run)) }),
      heard: (message, atMs) => {
        const { kind, reason, who = 'operator' } = message;
        const isAnswer = (kind === 'approved' || kind === 'rejected') && state.kind === 'awaitingApproval';
        if (isAnswer) answers.push({ answer: kind, stage: comingStageOf(state), reason, who, atMs: nowMs() });
        apply({ kind, reason, atMs });
      },
      exposed: (exposure, atMs) => apply({ kind: 'exposed', atMs, exposure }),
      exposureRefused: (reason, atMs) => apply({ kind: 'exposureRefused', atMs, reason }),
      leaseLapsed: (atMs) => apply({ kind: 'leaseLapsed', atMs }),
      ticked: (result, atMs) => {
        const { verdict, reason, suspectRobotId, stopsClock = false } = result;
        status = { ...status, tick: result, rows: rowsWith(status.rows, state, result) };
        const suspect = suspectRobotId === undefined ? {} : { suspectRobotId };
        apply({ kind: 'ticked', atMs, verdict: { verdict, reason, stopsClock, ...suspect } });
      },
      returned: (atMs) => apply({ kind: 'returned', atMs }),
      afterTick: async () => {
        const atMs = fleetNow(run);
        const isExpired = awaitingSinceMs !== null && atMs - awaitingSinceMs >= planned.approvalHours * hourMs;
        if (isExpired && state.kind === 'awaitingApproval') apply({ kind: 'approvalExpired', atMs });
      },
      afterExposure: async () => {
        await recordAnswers();
        if (state.stage !== 3) return;
        const why = `${candidateVersion} runs on everything but the holdback: ${state.reason}`;
        await fleetActivities().repairAliases({ policy, who: request.who, why, isBetter, anchorLossFraction });
      },
      show: () => setCurrentDetails(describeRollout(planned, state, status.rows, status.tick)),
      continueAsNew: () =>
        continueAsNew<typeof rolloutPolicy>(input, { run, state, rows: status.rows, awaitingSinceMs }),
    };
    let robots = await guardedLoop(step, run, inbox);
    await recordAnswers();
    if (state.kind === 'promoted') {
      const why = `${candidateVersion} replaces ${championVersion}: ${state.reason}`;
      await closeTrial(run, {
        version: candidateVersion,
        urgency: 'whenIdle',
        why,
        isBetter,
        lossFraction: anchorLossFraction,
      });
      robots = await untilConfirmed(run);
    }
    const { kind: outcome, reason, faultyRobots, proven } = state;
    upsertSearchAttributes([{ key: outcomeAttribute, value: outcome }]);
    const facts = { robots, faultyRobots: [...faultyRobots], stagesProven: proven.length };
    const end = { trialId: plan.trialId, policy, candidateVersion, outcome, reason, atMs: nowMs(), facts };
    await returnActivities().recordTrialEnd(end);
    return { outcome: ended(state), reason, trialId: plan.trialId, candidateVersion, ...facts };
  });
}

const unfinished = { candidateVersion: null, stagesProven: 0, faultyRobots: [], robots: nobody };

/** The state a finished loop leaves; the others never come here. */
function ended({ kind }: RolloutState): RolloutResult['outcome'] {
  return kind === 'promoted' || kind === 'rolledBack' || kind === 'aborted' ? kind : 'endedWithoutPromotion';
}

/** The table of stages with the newest tick in its stage's row. */
function rowsWith(rows: readonly StageRow[], state: RolloutState, tick: JudgeTickResult): StageRow[] {
  const { lowerBound, marginFraction, robots: reportingRobots, episodes, candidates } = tick;
  const row = { stage: state.stage, robots: candidates, lowerBound, marginFraction, reportingRobots, episodes };
  return [...rows.filter(({ stage }) => stage !== state.stage), row].toSorted((a, b) => a.stage - b.stage);
}
