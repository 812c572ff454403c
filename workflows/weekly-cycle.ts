import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  executeChild,
  isCancellation,
  log,
  patched,
  rootCause,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';

import { WorkflowExecutionAlreadyStartedError, defineSearchAttributeKey } from '@temporalio/common';

import type { ParsedInput } from '../activities/workflow-inputs.ts';
import { fleetActivities } from './shared/activity-proxies.ts';
import { collectExperience } from './collect-experience.ts';
import { takeTurn } from './cycle/turn.ts';
import {
  abortUpdate,
  cycleStatusQuery,
  type CollectionOutcome,
  type CycleOutcome,
  type CycleResult,
  type CycleStatus,
} from './cycle/messages.ts';
import { parsedInput } from './shared/parse-input.ts';
import { outcomeAttribute, policyAttribute } from './shared/search-attributes.ts';
import { describeCycle } from './cycle/status-page.ts';
import { trainPolicy } from './train-policy.ts';
import { operationId } from './shared/run-ids.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';

/** The Temporal server says so of what a schedule starts. */
const scheduledBy = defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD');

/** How a cycle's work ended; the report comes after it, whatever it was. */
interface Ending {
  readonly outcome: CycleOutcome;
  readonly reason: string;
}

/**
 * The weekly loop: collect → validate → retrain → gate → offer → report. It never waits for the fleet: a candidate that
 * needs a trial is registered and offered to the trial slot, and "not offered, because …" is a normal end.
 */
export async function weeklyCycle(input?: unknown): Promise<CycleResult> {
  // Before anything is waited for: see idGuard.
  const takesTurns = patched('one-cycle-a-policy');
  const cycleId = operationId();
  let status: CycleStatus = { cycleId, policy: '', stage: 'starting', cause: '' };
  let abortReason: string | undefined;
  const work = new CancellationScope();
  setHandler(cycleStatusQuery, () => status);
  setHandler(
    abortUpdate,
    ({ reason, who }) => {
      abortReason = who === undefined ? reason : `${reason} (${who})`;
      work.cancel();
      return `cycle ${cycleId} stops; the champion stays`;
    },
    { validator: (request) => refuseAbort(request, status.stage, abortReason) },
  );
  const show = (change: Partial<CycleStatus>): void => {
    status = { ...status, ...change };
    setCurrentDetails(describeCycle(status));
  };

  const request = await parsedInput('weeklyCycle', input);
  upsertSearchAttributes([{ key: policyAttribute, value: request.policy }]);
  if (takesTurns) await takeTurn(request.policy);
  let failure: Error | undefined;
  const ending = await work
    .run(() => cycle(request, cycleId, show, () => status))
    .catch((error: unknown): Ending => {
      if (isCancellation(error) && abortReason !== undefined) return { outcome: 'aborted', reason: abortReason };
      failure = error instanceof Error ? error : new Error(String(error));
      return isCancellation(error)
        ? { outcome: 'aborted', reason: 'the workflow was cancelled' }
        : { outcome: 'failed', reason: rootCause(error) ?? 'unknown failure' };
    });

  return CancellationScope.nonCancellable(async () => {
    show({ ...ending, stage: 'reporting' });
    const { reportKey } = await fleetActivities().writeReport(status);
    show({ stage: 'ended', reportKey });
    upsertSearchAttributes([{ key: outcomeAttribute, value: ending.outcome }]);
    await condition(allHandlersFinished);
    if (failure !== undefined) throw failure;
    const training = status.training;
    return {
      cycleId,
      ...ending,
      reportKey,
      ...(training === undefined
        ? {}
        : { modelSha256: training.modelSha256, accuracyFraction: training.accuracyFraction }),
      ...(training?.candidateVersion === undefined ? {} : { candidateVersion: training.candidateVersion }),
    };
  });
}

async function cycle(
  request: ParsedInput<'weeklyCycle'>,
  cycleId: string,
  show: (change: Partial<CycleStatus>) => void,
  current: () => CycleStatus,
): Promise<Ending> {
  const { policy, training, bootstrap } = request;
  const cause = request.cause ?? startedBy();
  const fleet = fleetActivities();
  const { robotType, aliases, assignmentSeq, tasksSeq } = await fleet.readPolicy({
    policy,
    ...(training.tasks === undefined ? {} : { learnedTasks: training.tasks }),
  });
  show({
    policy,
    cause,
    stage: 'collecting',
    ...(aliases.champion === undefined ? {} : { championVersion: aliases.champion }),
  });

  const collection = await collected(policy, robotType.id, request.collectionTurnWaitMs);
  show({ collection });
  if (collection.verdict === 'badData')
    return { outcome: 'badData', reason: `${collection.reason}; the champion stays` };
  if (collection.verdict === 'nothingNew' && !request.trainWithoutNew)
    return { outcome: 'nothingNew', reason: `${collection.reason}; the champion stays` };

  show({ stage: 'training' });
  const trained = await executeChild(trainPolicy, {
    workflowId: workflowIds.trainPolicy(cycleId),
    // Tasks that come or go meanwhile are the next cycle's.
    args: [
      {
        policy,
        training,
        bootstrap,
        newSince: collection.startedFrom,
        ...(tasksSeq === undefined ? {} : { tasksSeq }),
      },
    ],
    staticSummary: `retrain ${policy}`,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  show({ training: trained, stage: 'offering' });
  const { candidateVersion } = trained;
  if (candidateVersion === undefined)
    return { outcome: 'gatesHold', reason: `held by ${trained.failedGates.join(', ')}; the champion stays` };

  const operation = { policy, candidateVersion, operationId: cycleId, who: `cycle ${current().cycleId}`, why: cause };
  if (bootstrap) {
    // Orders given since the cycle began make this a conflict: the next cycle decides on what holds then.
    const seq = assignmentSeq + 1;
    const direct = await fleet.promoteWithoutTrial({ ...operation, bootstrap, gates: 'pass', assignmentSeq: seq });
    if (direct.kind === 'promote') return { outcome: 'promoted', reason: direct.reason };
  }
  const { kind, reason } = await fleet.offerCandidate({ ...operation, request: request.trial });
  return { outcome: kind, reason };
}

/** Who starts a cycle and says nothing is its schedule, or a person in the Temporal UI. */
function startedBy(): string {
  const schedule = workflowInfo().typedSearchAttributes.get(scheduledBy);
  return schedule === undefined ? 'started by hand' : `schedule ${schedule}`;
}

/** How long a cycle waits for another cycle's collection of the same robot type before it gives up. */
const collectionTurnAttempts = 2_880;

/** Runs the collection as soon as no other cycle collects from robots of this type. */
async function collected(policy: string, robotTypeId: string, turnWaitMs: number): Promise<CollectionOutcome> {
  for (let attempt = 0; attempt < collectionTurnAttempts; attempt += 1) {
    try {
      return await executeChild(collectExperience, {
        workflowId: workflowIds.collectExperience(robotTypeId),
        args: [{ policy }],
        staticSummary: `collect from ${robotTypeId}`,
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      log.info('another collection of this robot type runs; waiting for its turn', { robotTypeId });
      await sleep(turnWaitMs);
    }
  }
  throw ApplicationFailure.nonRetryable(
    `expected a turn to collect from ${robotTypeId} within ${collectionTurnAttempts} looks, got none`,
    'Conflict',
  );
}

function refuse(message: string): never {
  throw ApplicationFailure.nonRetryable(message, 'InvalidInput');
}

function refuseAbort(request: unknown, stage: CycleStatus['stage'], abortReason: string | undefined): void {
  const { reason, who } = (request ?? {}) as { reason?: unknown; who?: unknown };
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > 500)
    refuse('expected {"reason": "why"} of 1 to 500 characters');
  if (who !== undefined && (typeof who !== 'string' || who === '' || who.length > 200))
    refuse('who: expected a name of 1 to 200 characters');
  if (abortReason !== undefined) refuse(`already aborting: ${abortReason}`);
  if (stage === 'reporting' || stage === 'ended') refuse(`the cycle is already ${stage}`);
}
