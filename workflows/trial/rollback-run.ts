import {
  TemporalFailure,
  allHandlersFinished,
  condition,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';

import type { ParsedInput } from '../../activities/workflow-inputs.ts';
import type { PlanRollbackResult } from '../../activities/trials/read-fleet-state.ts';
import { returnActivities } from '../shared/activity-proxies.ts';
import { nowMs } from '../shared/now.ts';
import { outcomeAttribute } from '../shared/search-attributes.ts';
import { requirePerson } from './guarded-loop.ts';
import {
  approveUpdate,
  orderUpdate,
  rejectUpdate,
  rollbackStatusQuery,
  type RollbackAnswer,
  type RollbackOrder,
  type RollbackRecord,
  type RollbackRequest,
  type RollbackResult,
  type RollbackStatus,
} from './messages.ts';
import { ApprovalDesk } from './rollback-approval.ts';
import { RollbackDesk } from './rollback-desk.ts';
import { planRequest, tellTrial, writeOrder } from './rollback-order.ts';
import { describeRollback } from './status-page.ts';

type Request = ParsedInput<'rollbackPolicy'>;
type Choice = PlanRollbackResult['choice'];

const mostRaces = 100;

/** The order that was given; goes with a run that continues as new. */
export interface Ordered {
  readonly seq: number;
  readonly atMs: number;
  readonly version: string;
  readonly reason: string;
  readonly endedTrialId: string | null;
  /** What was asked so far, where that is more than the input says. */
  readonly requests?: readonly RollbackRecord[];
}

/** What one rollback was asked, has ordered and waits for. Listens from the moment it exists; acts once it has its request. */
export class RollbackRun {
  readonly #desk: RollbackDesk;
  readonly #approval = new ApprovalDesk();
  #status: RollbackStatus = { stage: 'deciding', version: null, reason: '', waiting: null, requests: [] };
  #ordered: Ordered | undefined;
  #result: RollbackResult | undefined;
  #failure: Error | undefined;

  readonly #continueWith: (given: Ordered) => Promise<never>;

  /** `continueWith` goes on as a new run that was given the order. */
  constructor(given: Ordered | undefined, continueWith: (given: Ordered) => Promise<never>) {
    this.#continueWith = continueWith;
    this.#ordered = given;
    this.#desk = new RollbackDesk(given?.requests);
    setHandler(rollbackStatusQuery, () => this.#status);
    setHandler(approveUpdate, ...this.#approval.hears('approved'));
    setHandler(rejectUpdate, ...this.#approval.hears('rejected'));
    setHandler(orderUpdate, (asked) => this.#hear(asked), { validator: requirePerson });
  }

  /** Does what it is asked until nothing is asked and nothing waits; throws when the only thing it was asked failed. */
  async follow(request: Request): Promise<RollbackResult> {
    const desk = this.#desk;
    const approval = this.#approval;
    const { requestId = 'start', target = null, reason, who } = request;
    if (this.#ordered === undefined) desk.ask({ requestId, target, reason, who });
    while (desk.hasNew || this.#ordered !== undefined || approval.waiting !== null || !allHandlersFinished()) {
      const next = desk.take();
      if (next !== undefined) await this.#decideOn(request, next);
      else if (this.#ordered !== undefined && !approval.isAnswered) await this.#followOnce(request, this.#ordered);
      else if (approval.waiting !== null) await this.#awaitPerson(request);
      else await condition(() => desk.hasNew || allHandlersFinished());
    }
    if (this.#failure !== undefined && this.#result === undefined) throw this.#failure;
    const end: RollbackResult = { ...(this.#result ?? nothingDone('nothing was asked for')), ...this.#told(request) };
    this.#show({ stage: 'ended', reason: end.reason });
    setCurrentDetails(describeRollback(end.reason, end));
    upsertSearchAttributes([{ key: outcomeAttribute, value: end.outcome }]);
    return end;
  }

  async #hear({ requestId = uuid4(), target, reason, who = '' }: RollbackOrder): Promise<RollbackAnswer> {
    this.#desk.ask({ requestId, target: target ?? null, reason, who });
    await condition(() => this.#desk.answerTo(requestId) !== undefined);
    const answer = this.#desk.answerTo(requestId);
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error('unreachable');
    return answer;
  }

  #show(change: Partial<RollbackStatus>): void {
    this.#status = { ...this.#status, ...change, waiting: this.#approval.waiting, requests: this.#desk.records };
    setCurrentDetails(describeRollback(`${this.#status.stage}: ${this.#status.reason}`, undefined));
  }

  /** A request that cannot be decided on fails by itself, and the run only when that was all it was asked. */
  async #decideOn(request: Request, asked: RollbackRequest): Promise<void> {
    try {
      await this.#decide(request, asked);
    } catch (error) {
      if (!(error instanceof TemporalFailure)) throw error;
      this.#desk.fail(asked, error);
      this.#failure ??= error;
    }
  }

  /** Decides on what the log says now, writes after it, and decides anew when somebody wrote in between. */
  async #decide(
    request: Request,
    asked: RollbackRequest,
    approvedBy: string | null = null,
    before?: PlanRollbackResult,
  ): Promise<void> {
    const { policy } = request;
    const first = this.#approval.whyFirst(asked);
    if (first !== undefined) return this.#end(asked, { outcome: 'nothingToDo', reason: first });
    let plan = before;
    for (let race = 0; race < mostRaces; race += 1) {
      plan ??= await planRequest(policy, asked);
      const { choice } = plan;
      if (choice.kind === 'nothing') return this.#end(asked, { outcome: 'nothingToDo', reason: choice.reason });
      this.#show({ version: choice.version, reason: choice.reason });
      if (choice.kind === 'ask' && approvedBy === null) return this.#ask(request, asked, plan, choice);
      if (await this.#order(policy, asked, { plan, choice, approvedBy })) return;
      plan = undefined;
    }
    this.#end(asked, { outcome: 'nothingToDo', reason: 'others assigned the fleet again and again: try once more' });
  }

  async #order(
    policy: string,
    asked: RollbackRequest,
    decision: {
      readonly plan: PlanRollbackResult;
      readonly choice: Exclude<Choice, { kind: 'nothing' }>;
      readonly approvedBy: string | null;
    },
  ): Promise<boolean> {
    const { plan, choice, approvedBy } = decision;
    this.#overtake(asked);
    this.#show({ stage: 'returning' });
    const why = approvedBy === null ? asked.reason : `${asked.reason}; approved by ${approvedBy}`;
    const seq = await writeOrder(policy, plan, choice.version, { ...asked, reason: why });
    if (seq === undefined) return false;
    const { version, reason } = choice;
    this.#desk.answer(asked, { kind: 'ordered', version, seq, reason, approvedBy });
    await returnActivities().repairAliases({ policy, who: asked.who, why: `${why}: ${reason}` });
    if (plan.openTrialId !== null) await tellTrial(policy, `rollback: ${asked.reason}`);
    this.#ordered = { seq, atMs: nowMs(), version, reason, endedTrialId: plan.openTrialId };
    return true;
  }

  #ask(
    { approvalMs }: Request,
    asked: RollbackRequest,
    plan: PlanRollbackResult,
    { version, reason }: { readonly version: string; readonly reason: string },
  ): void {
    this.#overtake(asked);
    this.#approval.ask({ request: asked, plan, version, reason, untilMs: nowMs() + approvalMs });
    this.#desk.answer(asked, { kind: 'awaitingApproval', version, seq: null, reason, approvedBy: null });
    this.#show(this.#ordered === undefined ? { stage: 'awaitingApproval' } : {});
  }

  /** Whatever waited for a person is answered by what acts, or asks, now. */
  #overtake({ requestId, who }: RollbackRequest): void {
    const waited = this.#approval.drop();
    if (waited === undefined || waited.request.requestId === requestId) return;
    const { request: dropped, version } = waited;
    const reason = `overtaken by the request of ${who}`;
    this.#desk.answer(dropped, { kind: 'overtaken', version, seq: null, reason, approvedBy: null });
  }

  #end(asked: RollbackRequest, { outcome, reason }: Pick<RollbackResult, 'outcome' | 'reason'>): void {
    const kind: RollbackAnswer['kind'] = outcome === 'rejected' ? 'rejected' : 'nothing';
    this.#desk.answer(asked, { kind, version: null, seq: null, reason, approvedBy: null });
    if (this.#ordered === undefined && this.#approval.waiting === null && this.#result?.outcome !== 'rolledBack')
      this.#result = nothingDone(reason, outcome);
    this.#show({});
  }

  async #awaitPerson(request: Request): Promise<void> {
    const approval = this.#approval;
    const waited = approval.current;
    if (waited === undefined) return;
    await condition(() => approval.isAnswered || this.#desk.hasNew, Math.max(1, waited.untilMs - nowMs()));
    const answer = approval.answer;
    if (answer === undefined && this.#desk.hasNew) return;
    approval.drop();
    if (answer?.verdict === 'approved')
      return this.#decide(request, waited.request, `${answer.who}: ${answer.reason}`.slice(0, 300), waited.plan);
    const why = answer === undefined ? 'and nobody did' : `and ${answer.who} did not: ${answer.reason}`;
    this.#end(waited.request, { outcome: 'rejected', reason: `${waited.reason}, ${why}` });
  }

  /** Looks who followed, waits a little unless all did; a history that grows long goes on as a new run. */
  async #followOnce(request: Request, order: Ordered): Promise<void> {
    const { policy, confirmMs, confirmEveryMs } = request;
    const { seq, atMs, version, reason, endedTrialId } = order;
    this.#show({ stage: 'returning', version, reason });
    const seen = await returnActivities().readConfirmations({ policy, seq });
    if (this.#desk.hasNew) return;
    const { confirmedRobots: confirmed, offline } = seen;
    if (seen.waiting.length === 0 || nowMs() - atMs >= confirmMs) {
      const late = seen.waiting.map((robotId) => `${robotId}: not confirmed in time`);
      const failed = [...seen.failed, ...late];
      this.#result = { outcome: 'rolledBack', reason, version, endedTrialId, confirmed, offline, failed };
      this.#ordered = undefined;
      return;
    }
    await condition(() => this.#desk.hasNew || this.#approval.isAnswered, confirmEveryMs);
    if (workflowInfo().continueAsNewSuggested && !this.#desk.hasNew && this.#approval.waiting === null)
      await this.#goOn(request, order);
  }

  async #goOn(request: Request, order: Ordered): Promise<void> {
    await condition(() => allHandlersFinished() || this.#desk.hasNew);
    if (!this.#desk.hasNew) await this.#continueWith({ ...order, ...this.#told(request) });
  }

  /** What was asked, once that is more than a run that was started with its input says by itself. */
  #told(request: Request): { requests?: readonly RollbackRecord[] } {
    const { records } = this.#desk;
    const isMore =
      request.requestId !== undefined || records.length > 1 || records.some((one) => one.answer.approvedBy);
    return isMore ? { requests: records } : {};
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
