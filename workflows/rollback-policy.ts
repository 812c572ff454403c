import {
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  log,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';

import type { ParsedInput } from '../activities/workflow-inputs.ts';
import type { ConfirmationsResult } from '../activities/trials/read-confirmations.ts';
import type { PlanRollbackResult } from '../activities/trials/read-fleet-state.ts';
import { fleetActivities, returnActivities } from './activity-proxies.ts';
import { nowMs } from './now.ts';
import { parsedInput } from './parse-input.ts';
import { outcomeAttribute, policyAttribute } from './search-attributes.ts';
import { refuse, requireReason } from './trial-loop.ts';
import {
  approveUpdate,
  operatorSignal,
  rejectUpdate,
  rollbackStatusQuery,
  type RollbackResult,
  type RollbackStatus,
} from './trial-messages.ts';
import { describeRollback } from './trial-story.ts';
import { operationId, workflowIds } from './workflow-ids.ts';

type Request = ParsedInput<'rollbackPolicy'>;

const mostRaces = 100;

/** The order that was given; goes with a run that continues as new. */
interface Ordered {
  readonly seq: number;
  readonly atMs: number;
  readonly version: string;
  readonly reason: string;
  readonly endedTrialId: string | null;
}

/**
 * Takes a policy's robots back at once: a trial that runs is ended, everyone on the champion; otherwise to the champion
 * before. Any other target waits for a person. Ends with the robots that confirmed, that are still offline, that failed.
 */
export async function rollbackPolicy(input?: unknown, given?: Ordered): Promise<RollbackResult> {
  let status: RollbackStatus = { stage: 'deciding', version: null, reason: '' };
  let verdict: 'approved' | 'rejected' | undefined;
  const show = (change: Partial<RollbackStatus>): void => {
    status = { ...status, ...change };
    setCurrentDetails(describeRollback(`${status.stage}: ${status.reason}`, undefined));
  };
  setHandler(rollbackStatusQuery, () => status);
  const answered = (answer: 'approved' | 'rejected') =>
    [
      (): string => {
        verdict ??= answer;
        return answer;
      },
      {
        validator: (word: unknown) => {
          requireReason(word);
          if (status.stage !== 'awaitingApproval' || verdict !== undefined) refuse('nothing waits for approval');
        },
      },
    ] as const;
  setHandler(approveUpdate, ...answered('approved'));
  setHandler(rejectUpdate, ...answered('rejected'));

  const request = await parsedInput('rollbackPolicy', input);
  upsertSearchAttributes([{ key: policyAttribute, value: request.policy }]);
  const order = given ?? (await decided(request));
  const result = 'outcome' in order ? order : await followed(request, order);
  show({ stage: 'ended', reason: result.reason });
  setCurrentDetails(describeRollback(result.reason, result));
  upsertSearchAttributes([{ key: outcomeAttribute, value: result.outcome }]);
  await condition(allHandlersFinished);
  return result;

  /** Decides on what the log says now, writes after it, and decides anew when somebody wrote in between. */
  async function decided(request: Request): Promise<RollbackResult | Ordered> {
    const { policy, target, reason, who } = request;
    for (let race = 0; race < mostRaces; race += 1) {
      const plan = await fleetActivities().planRollback({ policy, ...(target === undefined ? {} : { target }) });
      const { choice } = plan;
      if (choice.kind === 'nothing') return { ...nothing, outcome: 'nothingToDo', reason: choice.reason };
      show({ version: choice.version, reason: choice.reason });
      if (choice.kind === 'ask' && !(await approved(request)))
        return { ...nothing, outcome: 'rejected', reason: `${choice.reason}, and nobody did` };
      show({ stage: 'returning' });
      const seq = await ordered(request, plan, choice.version);
      if (seq === undefined) continue;
      await returnActivities().repairAliases({ policy, who, why: `${reason}: ${choice.reason}` });
      if (plan.openTrialId !== null) await tellTrial(policy, `rollback: ${reason}`);
      const { version, reason: why } = choice;
      return { seq, atMs: nowMs(), version, reason: why, endedTrialId: plan.openTrialId };
    }
    return { ...nothing, outcome: 'nothingToDo', reason: 'others assigned the fleet again and again: try once more' };
  }

  /** Waits for the robots; a history that grows long goes on as a new run. */
  async function followed({ policy, confirmMs, confirmEveryMs }: Request, order: Ordered): Promise<RollbackResult> {
    const { seq, atMs, version, reason, endedTrialId } = order;
    show({ stage: 'returning', version, reason });
    for (;;) {
      const seen: ConfirmationsResult = await returnActivities().readConfirmations({ policy, seq });
      const { confirmedRobots: confirmed, offline } = seen;
      if (seen.waiting.length === 0 || nowMs() - atMs >= confirmMs) {
        const late = seen.waiting.map((robotId) => `${robotId}: not confirmed in time`);
        const failed = [...seen.failed, ...late];
        return { outcome: 'rolledBack', reason, version, endedTrialId, confirmed, offline, failed };
      }
      await sleep(confirmEveryMs);
      if (workflowInfo().continueAsNewSuggested) return continueAsNew<typeof rollbackPolicy>(input, order);
    }
  }

  async function approved({ approvalMs }: Request): Promise<boolean> {
    if (verdict === undefined) {
      show({ stage: 'awaitingApproval' });
      await condition(() => verdict !== undefined, approvalMs);
    }
    return verdict === 'approved';
  }
}

const nothing = { version: null, endedTrialId: null, confirmed: [], offline: [], failed: [] };

async function ordered(
  { policy, who, reason }: Request,
  { seq: last, openTrialId }: PlanRollbackResult,
  version: string,
): Promise<number | undefined> {
  const written = await returnActivities().endExposure({
    policy,
    version,
    ...(openTrialId === null ? {} : { trialId: openTrialId }),
    isForced: true,
    seq: last + 1,
    urgency: 'safeStop',
    operationId: `rollback-${operationId()}#${last + 1}`,
    who,
    why: reason,
    atMs: nowMs(),
  });
  return written.kind === 'written' ? written.seq : undefined;
}

/** The trial's robots are on the way already; its workflows end with the reason. */
async function tellTrial(policy: string, reason: string): Promise<void> {
  const slot = workflowIds.trialPolicy(policy);
  for (const id of [workflowIds.rolloutPolicy(slot), workflowIds.abTest(slot)])
    try {
      await getExternalWorkflowHandle(id).signal(operatorSignal, { kind: 'rollbackRequested', reason });
    } catch (error) {
      log.info('no such step of a trial runs', { id, error });
    }
}
