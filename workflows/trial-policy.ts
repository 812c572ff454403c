import {
  ApplicationFailure,
  ParentClosePolicy,
  ChildWorkflowCancellationType,
  allHandlersFinished,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';

import type { ParsedInput } from '../activities/workflow-inputs.ts';
import { abTest } from './ab-test.ts';
import { returnActivities } from './activity-proxies.ts';
import { abortUpdate } from './messages.ts';
import { nowMs } from './now.ts';
import { parsedInput } from './parse-input.ts';
import { rolloutPolicy } from './rollout-policy.ts';
import { outcomeAttribute, policyAttribute } from './search-attributes.ts';
import { OfferSlot, requireOffer, type Offer } from './offer-slot.ts';
import { trialAnswers, whyRefused } from './trial-answers.ts';
import { refuse, returningWhenCancelled } from './trial-loop.ts';
import {
  approveUpdate,
  offerUpdate,
  operatorSignal,
  pauseUpdate,
  progressSignal,
  rejectUpdate,
  resumeUpdate,
  trialStatusQuery,
  type AbTestResult,
  type OperatorMessage,
  type OperatorWord,
  type TrialResult,
  type TrialStatus,
} from './trial-messages.ts';
import { describeTrial } from './trial-story.ts';
import { operationId, workflowIds } from './workflow-ids.ts';

type Request = ParsedInput<'trialPolicy'>;

/**
 * The slot of a policy: everything that wants into the fleet is tried here, one at a time. A newer offer replaces a waiting
 * one, never the one that runs; the operator's messages go to the step that runs.
 */
export async function trialPolicy(input?: unknown, waiting?: Offer): Promise<TrialResult> {
  const inbox: OperatorMessage[] = [];
  const slot = new OfferSlot(waiting);
  let superseded = 0;
  let status: TrialStatus = {
    policy: '',
    stage: 'starting',
    candidateVersion: null,
    waitingVersion: slot.waitingVersion,
    step: null,
    abTest: null,
    result: null,
  };
  const show = (change: Partial<TrialStatus>): void => {
    status = { ...status, ...change, waitingVersion: slot.waitingVersion };
    setCurrentDetails(describeTrial(status));
  };
  setHandler(trialStatusQuery, () => status);
  setHandler(progressSignal, (step) => show({ step }));
  setHandler(
    offerUpdate,
    (offered) => {
      const isFree = status.stage === 'starting' || status.stage === 'ended';
      const answer = slot.offer(offered, isFree ? null : (status.candidateVersion ?? 'the newest version'));
      show({});
      return answer;
    },
    { validator: requireOffer },
  );
  const operated = (kind: OperatorMessage['kind']) =>
    [
      ({ reason }: OperatorWord): string => {
        inbox.push({ kind, reason });
        return trialAnswers[kind];
      },
      {
        validator: (word: OperatorWord) => {
          const refusal = whyRefused(kind, word, status);
          if (refusal !== undefined) refuse(refusal);
        },
      },
    ] as const;
  setHandler(pauseUpdate, ...operated('pauseRequested'));
  setHandler(resumeUpdate, ...operated('resumeRequested'));
  setHandler(approveUpdate, ...operated('approved'));
  setHandler(rejectUpdate, ...operated('rejected'));
  setHandler(abortUpdate, ...operated('abortRequested'));
  setHandler(operatorSignal, (message) => void inbox.push(message));

  return returningWhenCancelled(inbox, async () => {
    const own = await parsedInput('trialPolicy', input);
    const { policy } = own;
    upsertSearchAttributes([{ key: policyAttribute, value: policy }]);
    show({ policy });
    const result = await nextTrial(own);
    show({ stage: 'recording', result });
    await recordSuperseded(policy);
    upsertSearchAttributes([{ key: outcomeAttribute, value: result.outcome }]);
    await condition(allHandlersFinished);
    show({ stage: 'ended' });
    const next = slot.take();
    if (next !== undefined) return continueAsNew<typeof trialPolicy>(input, next);
    return result;
  });

  /** What waits goes first; the input is itself an offer when nothing does. A wrong offer ends its turn, not the slot. */
  async function nextTrial(own: Request): Promise<TrialResult> {
    const offer = slot.take();
    show({ stage: 'planning', candidateVersion: offer?.candidateVersion ?? own.candidateVersion ?? null });
    if (offer === undefined) return tried(own);
    const { policy } = own;
    try {
      return await tried(await parsedInput('trialPolicy', { ...offer.request, policy }));
    } catch (error) {
      if (!(error instanceof ApplicationFailure) || error.type !== 'InvalidInput') throw error;
      return notRun('notStarted', `the offer was wrong: ${error.message}`);
    }
  }

  async function tried(request: Request): Promise<TrialResult> {
    const { abTest: isTested, ...common } = request;
    if (inbox.some(({ kind }) => kind === 'abortRequested')) return notRun('aborted', abortReason());
    let test: AbTestResult | undefined;
    if (isTested) {
      show({ stage: 'abTest' });
      test = await follow(await startChild(abTest, { ...childOptions(workflowIds.abTest), args: [common] }));
      show({ abTest: test, step: null, candidateVersion: test.candidateVersion ?? status.candidateVersion });
      const end = endOfTest(test);
      if (end !== undefined) return { ...end, abTest: test.decision, faultyRobots: test.faultyRobots };
      if (inbox.some(({ kind }) => kind === 'abortRequested'))
        return { ...notRun('aborted', abortReason()), abTest: test.decision };
    }
    show({ stage: 'rollout' });
    const proven = {
      ...(test?.candidateVersion ? { candidateVersion: test.candidateVersion } : {}),
      isBetter: test?.decision === 'accept',
      anchorLossFraction: test?.decision === 'acceptEquivalent' ? test.anchorLossFraction : null,
    };
    const args: [unknown] = [{ ...common, ...proven }];
    const rollout = await follow(await startChild(rolloutPolicy, { ...childOptions(workflowIds.rolloutPolicy), args }));
    const { outcome, reason, candidateVersion, faultyRobots } = rollout;
    return { outcome, reason, candidateVersion, abTest: test?.decision ?? null, faultyRobots };
  }

  /** Passes messages on while the step runs, and waits for its end. */
  async function follow<Result>(started: ChildWorkflowHandle<(input?: unknown) => Promise<Result>>): Promise<Result> {
    let isOver = false;
    const deliver = async (): Promise<void> => {
      for (;;) {
        await condition(() => inbox.length > 0 || isOver);
        if (isOver) return;
        for (const message of inbox.splice(0)) await started.signal(operatorSignal, message).catch(() => undefined);
      }
    };
    const delivered = deliver();
    try {
      return await started.result();
    } finally {
      isOver = true;
      await delivered;
    }
  }

  function abortReason(): string {
    return inbox.find(({ kind }) => kind === 'abortRequested')?.reason ?? 'aborted';
  }

  function notRun(outcome: TrialResult['outcome'], reason: string): TrialResult {
    return { outcome, reason, candidateVersion: status.candidateVersion, abTest: null, faultyRobots: [] };
  }

  /** How offers ended that never ran. */
  async function recordSuperseded(policy: string): Promise<void> {
    for (let offer = slot.superseded.shift(); offer !== undefined; offer = slot.superseded.shift()) {
      const { candidateVersion, by } = offer;
      const trialId = `${operationId()}-offer-${(superseded += 1)}`;
      const reason = `replaced by ${by} before it began`;
      const end = { trialId, policy, candidateVersion, outcome: 'superseded', reason, atMs: nowMs() };
      await returnActivities().recordTrialEnd(end);
    }
  }
}

/** A test that ends the trial; undefined when the rollout follows. */
function endOfTest(test: AbTestResult): Pick<TrialResult, 'outcome' | 'reason' | 'candidateVersion'> | undefined {
  const { decision, reason, candidateVersion } = test;
  switch (decision) {
    case 'accept':
    case 'acceptEquivalent':
    case 'infeasible':
      return undefined;
    case 'reject':
      return { outcome: 'rejected', reason, candidateVersion };
    case 'block':
      return { outcome: 'blocked', reason, candidateVersion };
    case 'harmful':
      return { outcome: 'rolledBack', reason, candidateVersion };
    case 'aborted':
    case 'notStarted':
      return { outcome: decision, reason, candidateVersion };
    default:
      return decision satisfies never;
  }
}

const childOptions = (idOf: (slot: string) => string) => ({
  workflowId: idOf(workflowInfo().workflowId),
  parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
  cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
});
