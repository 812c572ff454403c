import {
  TemporalFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';

import type { ParsedInput } from '../activities/workflow-inputs.ts';
import type { PlanRollbackResult } from '../activities/trials/read-fleet-state.ts';
import { fleetActivities, returnActivities } from './shared/activity-proxies.ts';
import { idGuard } from './shared/fixed-id.ts';
import { nowMs } from './shared/now.ts';
import { parsedInput } from './shared/parse-input.ts';
import { RollbackDesk } from './trial/rollback-desk.ts';
import { ApprovalDesk } from './trial/rollback-approval.ts';
import { tellTrial, writeOrder } from './trial/rollback-order.ts';
import { outcomeAttribute, policyAttribute } from './shared/search-attributes.ts';
import { requirePerson } from './trial/guarded-loop.ts';
import {
  approveUpdate,
  orderUpdate,
  rejectUpdate,
  rollbackStatusQuery,
  type RollbackAnswer,
  type RollbackRecord,
  type RollbackRequest,
  type RollbackResult,
  type RollbackStatus,
} from './trial/messages.ts';
import { describeRollback } from './trial/status-page.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';

type Request = ParsedInput<'rollbackPolicy'>;
type Choice = PlanRollbackResult['choice'];

const mostRaces = 100;

/** The order that was given; goes with a run that continues as new. */
interface Ordered {
  readonly seq: number;
  readonly atMs: number;
  readonly version: string;
  readonly reason: string;
  readonly endedTrialId: string | null;
  /** What was asked so far, where that is more than the input says. */
  readonly requests?: readonly RollbackRecord[];
}

/**
 * Takes a policy's robots back at once: a trial that runs is ended, everyone on the champion; otherwise to the champion
 * before. Any other target waits for a person; whatever waits, a request that needs nobody's approval acts at once. Ends with
 * the robots that confirmed, that are still offline, that failed.
 */
export async function rollbackPolicy(input?: unknown, given?: Ordered): Promise<RollbackResult> {
  const requireId = idGuard();
  const desk = new RollbackDesk(given?.requests);
  const approval = new ApprovalDesk();
  let status: RollbackStatus = { stage: 'deciding', version: null, reason: '', waiting: null, requests: [] };
  const show = (change: Partial<RollbackStatus>): void => {
    status = { ...status, ...change, waiting: approval.waiting, requests: desk.records };
    setCurrentDetails(describeRollback(`${status.stage}: ${status.reason}`, undefined));
  };
  setHandler(rollbackStatusQuery, () => status);
  setHandler(approveUpdate, ...approval.hears('approved'));
  setHandler(rejectUpdate, ...approval.hears('rejected'));
  setHandler(
    orderUpdate,
    async ({ requestId = uuid4(), target = null, reason, who = '' }) => {
      desk.ask({ requestId, target, reason, who });
      await condition(() => desk.answerTo(requestId) !== undefined);
      const answer = desk.answerTo(requestId);
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('unreachable');
      return answer;
    },
    { validator: requirePerson },
  );

  const request = await parsedInput('rollbackPolicy', input);
  const { policy } = request;
  if (given === undefined) requireId(workflowIds.rollbackPolicy(policy));
  upsertSearchAttributes([{ key: policyAttribute, value: policy }]);
  const { requestId = 'start', target = null, reason, who } = request;
  let ordered = given;
  let result: RollbackResult | undefined;
  let failure: Error | undefined;
  if (ordered === undefined) desk.ask({ requestId, target, reason, who });
  while (desk.hasNew || ordered !== undefined || approval.waiting !== null || !allHandlersFinished()) {
    const next = desk.take();
    if (next !== undefined) await decideOn(next);
    else if (ordered !== undefined && !approval.isAnswered) await followOnce(request, ordered);
    else if (approval.waiting !== null) await awaitPerson();
    else await condition(() => desk.hasNew || allHandlersFinished());
  }
  if (failure !== undefined && result === undefined) throw failure;
  const end: RollbackResult = { ...(result ?? nothingDone('nothing was asked for')), ...told() };
  show({ stage: 'ended', reason: end.reason });
  setCurrentDetails(describeRollback(end.reason, end));
  upsertSearchAttributes([{ key: outcomeAttribute, value: end.outcome }]);
  return end;

  /** Decides on what the log says now, writes after it, and decides anew when somebody wrote in between. */
  async function decide(asked: RollbackRequest, approvedBy: string | null = null, before?: PlanRollbackResult) {
    let plan = before;
    for (let race = 0; race < mostRaces; race += 1) {
      plan ??= await planned(asked);
      const { choice } = plan;
      if (choice.kind === 'nothing') return ended(asked, { outcome: 'nothingToDo', reason: choice.reason });
      show({ version: choice.version, reason: choice.reason });
      if (choice.kind === 'ask' && approvedBy === null) return ask(asked, plan, choice);
      if (await order(asked, plan, choice, approvedBy)) return;
      plan = undefined;
    }
    ended(asked, { outcome: 'nothingToDo', reason: 'others assigned the fleet again and again: try once more' });
  }

  function planned({ target }: RollbackRequest): Promise<PlanRollbackResult> {
    return fleetActivities().planRollback({ policy, ...(target === null ? {} : { target }) });
  }

  async function order(
    asked: RollbackRequest,
    plan: PlanRollbackResult,
    choice: Exclude<Choice, { kind: 'nothing' }>,
    approvedBy: string | null,
  ): Promise<boolean> {
    overtake(asked);
    show({ stage: 'returning' });
    const why = approvedBy === null ? asked.reason : `${asked.reason}; approved by ${approvedBy}`;
    const seq = await writeOrder(policy, plan, choice.version, { who: asked.who, why });
    if (seq === undefined) return false;
    const { version, reason } = choice;
    desk.answer(asked, { kind: 'ordered', version, seq, reason, approvedBy });
    await returnActivities().repairAliases({ policy, who: asked.who, why: `${why}: ${reason}` });
    if (plan.openTrialId !== null) await tellTrial(policy, `rollback: ${asked.reason}`);
    ordered = { seq, atMs: nowMs(), version, reason, endedTrialId: plan.openTrialId };
    return true;
  }

  function ask(
    asked: RollbackRequest,
    plan: PlanRollbackResult,
    { version, reason }: { version: string; reason: string },
  ) {
    overtake(asked);
    approval.ask({ request: asked, plan, version, reason, untilMs: nowMs() + request.approvalMs });
    desk.answer(asked, { kind: 'awaitingApproval', version, seq: null, reason, approvedBy: null });
    show(ordered === undefined ? { stage: 'awaitingApproval' } : {});
  }

  /** Whatever waited for a person is answered by what acts, or asks, now. */
  function overtake({ requestId, who }: RollbackRequest): void {
    const waited = approval.drop();
    if (waited === undefined || waited.request.requestId === requestId) return;
    const { request: dropped, version } = waited;
    const reason = `overtaken by the request of ${who}`;
    desk.answer(dropped, { kind: 'overtaken', version, seq: null, reason, approvedBy: null });
  }

  function ended(asked: RollbackRequest, { outcome, reason }: Pick<RollbackResult, 'outcome' | 'reason'>): void {
    const kind: RollbackAnswer['kind'] = outcome === 'rejected' ? 'rejected' : 'nothing';
    desk.answer(asked, { kind, version: null, seq: null, reason, approvedBy: null });
    if (ordered === undefined && approval.waiting === null && result?.outcome !== 'rolledBack')
      result = nothingDone(reason, outcome);
    show({});
  }

  async function awaitPerson(): Promise<void> {
    const waited = approval.current;
    if (waited === undefined) return;
    await condition(() => approval.isAnswered || desk.hasNew, Math.max(1, waited.untilMs - nowMs()));
    const answer = approval.answer;
    if (answer === undefined && desk.hasNew) return;
    approval.drop();
    if (answer?.verdict === 'approved')
      return decide(waited.request, `${answer.who}: ${answer.reason}`.slice(0, 300), waited.plan);
    const why = answer === undefined ? 'and nobody did' : `and ${answer.who} did not: ${answer.reason}`;
    ended(waited.request, { outcome: 'rejected', reason: `${waited.reason}, ${why}` });
  }

  /** Looks who followed, waits a little unless all did; a history that grows long goes on as a new run. */
  async function followOnce({ confirmMs, confirmEveryMs }: Request, order: Ordered): Promise<void> {
    const { seq, atMs, version, reason, endedTrialId } = order;
    show({ stage: 'returning', version, reason });
    const seen = await returnActivities().readConfirmations({ policy, seq });
    if (desk.hasNew) return;
    const { confirmedRobots: confirmed, offline } = seen;
    if (seen.waiting.length === 0 || nowMs() - atMs >= confirmMs) {
      const late = seen.waiting.map((robotId) => `${robotId}: not confirmed in time`);
      const failed = [...seen.failed, ...late];
      result = { outcome: 'rolledBack', reason, version, endedTrialId, confirmed, offline, failed };
      ordered = undefined;
      return;
    }
    await condition(() => desk.hasNew || approval.isAnswered, confirmEveryMs);
    if (workflowInfo().continueAsNewSuggested && !desk.hasNew && approval.waiting === null) {
      await condition(() => allHandlersFinished() || desk.hasNew);
      if (!desk.hasNew) await continueAsNew<typeof rollbackPolicy>(input, { ...order, ...told() });
    }
  }

  /** What was asked, once that is more than a run that was started with its input says by itself. */
  function told(): { requests?: readonly RollbackRecord[] } {
    const { records } = desk;
    const isMore =
      request.requestId !== undefined || records.length > 1 || records.some((one) => one.answer.approvedBy);
    return isMore ? { requests: records } : {};
  }

  /** A request that cannot be decided on fails by itself, and the run only when that was all it was asked. */
  async function decideOn(asked: RollbackRequest): Promise<void> {
    try {
      await decide(asked);
    } catch (error) {
      if (!(error instanceof TemporalFailure)) throw error;
      desk.fail(asked, error);
      failure ??= error;
    }
  }
}

const nothingDone = (reason: string, outcome: RollbackResult['outcome'] = 'nothingToDo'): RollbackResult => ({
  version: null,
  endedTrialId: null,
  confirmed: [],
  offline: [],
  failed: [],
  outcome,
  reason,
});
