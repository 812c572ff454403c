import {
  ParentClosePolicy,
  ChildWorkflowCancellationType,
  condition,
  startChild,
  workflowInfo,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';

import type { ParsedInput } from '../../activities/workflow-inputs.ts';
import { abTest } from '../ab-test.ts';
import { rolloutPolicy } from '../rollout-policy.ts';
import {
  operatorSignal,
  type AbTestResult,
  type OperatorMessage,
  type TrialResult,
  type TrialStatus,
} from './messages.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';

/** What the course of a trial shares with its slot: messages that no step has heard yet, and the status. */
export interface Course {
  readonly inbox: OperatorMessage[];
  readonly show: (change: Partial<TrialStatus>) => void;
}

/** One trial: A/B test, then rollout, each a workflow of its own; an abort between them ends it. */
export async function runTrial(request: ParsedInput<'trialPolicy'>, { inbox, show }: Course): Promise<TrialResult> {
  const { abTest: isTested, offersOnly: _, ...common } = request;
  const asked = common.candidateVersion ?? null;
  if (isAborted(inbox)) return aborted(inbox, asked, null);
  let test: AbTestResult | undefined;
  if (isTested) {
    show({ stage: 'abTest' });
    test = await follow(inbox, await startChild(abTest, { ...childOptions(workflowIds.abTest), args: [common] }));
    const { decision, faultyRobots } = test;
    const candidateVersion = test.candidateVersion ?? asked;
    show({ abTest: test, step: null, candidateVersion });
    const outcome = endOfTest(decision);
    if (outcome !== undefined)
      return { outcome, reason: test.reason, candidateVersion, abTest: decision, faultyRobots };
    if (isAborted(inbox)) return aborted(inbox, candidateVersion, decision);
  }
  show({ stage: 'rollout' });
  const proven = {
    ...(test?.candidateVersion ? { candidateVersion: test.candidateVersion } : {}),
    isBetter: test?.decision === 'accept',
    anchorLossFraction: test?.decision === 'acceptEquivalent' ? test.anchorLossFraction : null,
  };
  const args: [unknown] = [{ ...common, ...proven }];
  const started = await startChild(rolloutPolicy, { ...childOptions(workflowIds.rolloutPolicy), args });
  const { outcome, reason, candidateVersion, faultyRobots, withheld } = await follow(inbox, started);
  const kept = withheld === undefined ? {} : { withheld };
  return { outcome, reason, candidateVersion, abTest: test?.decision ?? null, faultyRobots, ...kept };
}

/** Passes messages on while the step runs, and waits for its end. */
async function follow<Result>(
  inbox: OperatorMessage[],
  started: ChildWorkflowHandle<(input?: unknown) => Promise<Result>>,
): Promise<Result> {
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

const isAborted = (inbox: readonly OperatorMessage[]): boolean => inbox.some(({ kind }) => kind === 'abortRequested');

const aborted = (
  inbox: readonly OperatorMessage[],
  candidateVersion: string | null,
  abTest: TrialResult['abTest'],
): TrialResult => ({
  outcome: 'aborted',
  reason: inbox.find(({ kind }) => kind === 'abortRequested')?.reason ?? 'aborted',
  candidateVersion,
  abTest,
  faultyRobots: [],
});

/** What a test ends the trial with; undefined when the rollout follows. */
function endOfTest(decision: AbTestResult['decision']): TrialResult['outcome'] | undefined {
  switch (decision) {
    case 'accept':
    case 'acceptEquivalent':
    case 'infeasible':
      return undefined;
    case 'reject':
      return 'rejected';
    case 'block':
      return 'blocked';
    case 'harmful':
      return 'rolledBack';
    case 'aborted':
    case 'notStarted':
      return decision;
    default:
      return decision satisfies never;
  }
}

const childOptions = (idOf: (slot: string) => string) => ({
  workflowId: idOf(workflowInfo().workflowId),
  parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
  cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
});
