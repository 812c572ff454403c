import {
  TemporalFailure,
  allHandlersFinished,
  condition,
  rootCause,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';

import type { AskedBy } from '../domain/trial/own-request.ts';
import type { ParsedInput } from '../activities/workflow-inputs.ts';
import { returnActivities } from './shared/activity-proxies.ts';
import { idGuard } from './shared/fixed-id.ts';
import { continueOnCurrentBuild } from './shared/next-run.ts';
import { nowMs } from './shared/now.ts';
import { outcomeClearer } from './shared/outcome.ts';
import { parsedInput } from './shared/parse-input.ts';
import { outcomeAttribute, policyAttribute } from './shared/search-attributes.ts';
import { OfferSlot, requireOffer, type Offer } from './trial/offer-slot.ts';
import { runTrial } from './trial/course.ts';
import { returningWhenCancelled } from './trial/guarded-loop.ts';
import { pausedFrom } from './trial/answers.ts';
import { hearOperators } from './trial/operators.ts';
import {
  offerUpdate,
  progressSignal,
  trialStatusQuery,
  type OperatorMessage,
  type TrialResult,
  type TrialStatus,
} from './trial/messages.ts';
import { describeTrial } from './trial/status-page.ts';
import { operationId } from './shared/run-ids.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';

type Request = ParsedInput<'trialPolicy'>;

/**
 * The slot of a policy: everything that wants into the fleet is tried here, one at a time. A newer offer replaces a waiting
 * one, never the one that runs; the operator's messages go to the step that runs.
 */
export async function trialPolicy(input?: unknown, waiting?: Offer): Promise<TrialResult> {
  const requireId = idGuard();
  const clearOutcome = outcomeClearer();
  const inbox: OperatorMessage[] = [];
  const slot = new OfferSlot(waiting);
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
  setHandler(progressSignal, (step) => show({ step, ...pausedFrom(status, step) }));
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
  hearOperators(inbox, () => status);

  return returningWhenCancelled(inbox, async () => {
    const own = await parsedInput('trialPolicy', input);
    const { policy } = own;
    upsertSearchAttributes([{ key: policyAttribute, value: policy }]);
    clearOutcome();
    if (waiting === undefined) requireId(workflowIds.trialPolicy(policy));
    show({ policy });
    const result = await nextTrial(own, { slot, inbox, show, candidate: () => status.candidateVersion });
    show({ stage: 'recording', result });
    await recordSuperseded(policy, slot);
    upsertSearchAttributes([{ key: outcomeAttribute, value: result.outcome }]);
    await condition(allHandlersFinished);
    show({ stage: 'ended' });
    const next = slot.take();
    if (next !== undefined) return continueOnCurrentBuild<typeof trialPolicy>(input, next);
    return result;
  });
}

interface Turn {
  readonly slot: OfferSlot;
  readonly inbox: OperatorMessage[];
  readonly show: (change: Partial<TrialStatus>) => void;
  /** The candidate that the status names now. */
  readonly candidate: () => string | null;
}

/** What waits goes first; the input is itself an offer when nothing does. An offer that fails ends its turn, not the slot. */
async function nextTrial(own: Request, { slot, candidate, ...course }: Turn): Promise<TrialResult> {
  const offer = slot.take();
  const candidateVersion = offer?.candidateVersion ?? own.candidateVersion ?? null;
  course.show({ stage: 'planning', candidateVersion, askedBy: askedBy(offer?.request ?? own) });
  const notRun = (outcome: TrialResult['outcome'], reason: string): TrialResult => ({
    outcome,
    reason,
    candidateVersion: candidate(),
    abTest: null,
    faultyRobots: [],
  });
  if (offer === undefined) return own.offersOnly ? notRun('notStarted', 'nothing was offered') : runTrial(own, course);
  try {
    return await runTrial(await parsedInput('trialPolicy', { ...offer.request, policy: own.policy }), course);
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
    return notRun('failed', rootCause(error) ?? error.message);
  }
}

/** Who wants the trial; an offer that does not say is held to have come from an operator nobody knows. */
const askedBy = ({ who, cause }: Readonly<Record<string, unknown>>): AskedBy => ({
  who: typeof who === 'string' ? who.slice(0, 200) : 'operator',
  cause: typeof cause === 'string' ? cause.slice(0, 200) : 'asked for',
});

/** How offers ended that never ran. */
async function recordSuperseded(policy: string, slot: OfferSlot): Promise<void> {
  let superseded = 0;
  for (let offer = slot.superseded.shift(); offer !== undefined; offer = slot.superseded.shift()) {
    const { candidateVersion, by } = offer;
    const trialId = `${operationId()}-offer-${(superseded += 1)}`;
    const reason = `replaced by ${by} before it began`;
    const end = { trialId, policy, candidateVersion, outcome: 'superseded', reason, atMs: nowMs() };
    await returnActivities().recordTrialEnd(end);
  }
}
