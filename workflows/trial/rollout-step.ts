import { setCurrentDetails } from '@temporalio/workflow';

import type { JudgeTickResult } from '../../activities/trials/judge-tick.ts';
import type { ParsedInput } from '../../activities/workflow-inputs.ts';
import {
  comingStageOf,
  guardClock,
  intentOf,
  parseRolloutPlan,
  plannedRollout,
  transition,
  type RolloutEvent,
  type RolloutState,
} from '../../domain/rollout/index.ts';
import { fleetActivities, returnActivities } from '../shared/activity-proxies.ts';
import { nowMs } from '../shared/now.ts';
import type { Step, StepEvent, StepView } from './guarded-loop.ts';
import type { RolloutStatus, StageRow } from './messages.ts';
import { progressTeller } from './plan-step.ts';
import { fleetNow, type TrialMemory } from './run.ts';
import { describeRollout } from './status-page.ts';

/** What a run hands to the next one when its history has grown long; ≤ 8 KiB. */
export interface CarriedRollout {
  readonly run: TrialMemory;
  readonly state: RolloutState;
  readonly rows: readonly StageRow[];
  readonly awaitingSinceMs: number | null;
}

/** A person's answer to a stage that waited for one. */
type Answer = Omit<Parameters<ReturnType<typeof returnActivities>['recordApproval']>[0], 'trialId'>;
type Request = Pick<ParsedInput<'rolloutPolicy'>, 'policy' | 'who' | 'isBetter' | 'anchorLossFraction'>;

const hourMs = 3_600_000;

/** A rollout of this plan before its first stage. */
export function plannedStep(run: TrialMemory): CarriedRollout {
  const { stages, approvalBefore } = run.plan;
  const stagePlans = stages.map(({ robots, maximumHours }) => ({ robots, maximumHours }));
  const state = plannedRollout(parseRolloutPlan({ stages: stagePlans, approvalBefore }), fleetNow(run));
  return { run, state, rows: [], awaitingSinceMs: null };
}

/** A rollout as the loop drives it: its state, the table of its stages, and what people answered. */
export class RolloutStep implements Step {
  readonly #run: TrialMemory;
  readonly #request: Request;
  readonly #goOn: (carried: CarriedRollout) => Promise<never>;
  readonly #tell: ReturnType<typeof progressTeller>;
  readonly #answers: Answer[] = [];
  #state: RolloutState;
  #rows: readonly StageRow[];
  #tick: JudgeTickResult | undefined;
  #awaitingSinceMs: number | null;

  constructor(carried: CarriedRollout, request: Request, goOn: (carried: CarriedRollout) => Promise<never>) {
    this.#run = carried.run;
    this.#tell = progressTeller(carried.run.plan.withheld);
    this.#state = carried.state;
    this.#rows = carried.rows;
    this.#awaitingSinceMs = carried.awaitingSinceMs;
    this.#request = request;
    this.#goOn = goOn;
  }

  get state(): RolloutState {
    return this.#state;
  }

  get status(): RolloutStatus {
    return {
      state: this.#state,
      trialId: this.#run.plan.plan.trialId,
      rows: this.#rows,
      ...(this.#tick === undefined ? {} : { tick: this.#tick }),
    };
  }

  start(): void {
    this.#become({ kind: 'started', atMs: fleetNow(this.#run) });
  }

  view(): StepView {
    const state = this.#state;
    return {
      intent: intentOf(state),
      faultyRobots: state.faultyRobots,
      guardClock: { stage: state.stage, ...guardClock(state, fleetNow(this.#run)) },
    };
  }

  apply(event: StepEvent): void {
    if (event.kind === 'heard') this.#noteAnswer(event.message);
    if (event.kind === 'ticked') {
      this.#tick = event.result;
      // Who may not answer is not late with it.
      if (event.result.isFrozen === true && this.#awaitingSinceMs !== null)
        this.#awaitingSinceMs += Math.max(0, event.atMs - this.#state.atMs);
      this.#rows = rowsWith(this.#rows, this.#state, event.result);
    }
    this.#become(rolloutEventOf(event));
  }

  async afterTick(): Promise<void> {
    const atMs = fleetNow(this.#run);
    const since = this.#awaitingSinceMs;
    const isExpired = since !== null && atMs - since >= this.#run.plan.approvalHours * hourMs;
    if (isExpired && this.#state.kind === 'awaitingApproval') this.#become({ kind: 'approvalExpired', atMs });
  }

  async afterExposure(): Promise<void> {
    await this.recordAnswers();
    if (this.#state.stage !== 3) return;
    const { policy, who, isBetter, anchorLossFraction } = this.#request;
    const why = `${this.#run.plan.candidateVersion} runs on everything but the holdback: ${this.#state.reason}`;
    await fleetActivities().repairAliases({ policy, who, why, isBetter, anchorLossFraction });
  }

  /** Keeps what people answered since the last time. */
  async recordAnswers(): Promise<void> {
    const { trialId } = this.#run.plan.plan;
    for (const answer of this.#answers.splice(0)) await returnActivities().recordApproval({ trialId, ...answer });
  }

  show(): void {
    setCurrentDetails(describeRollout(this.#run.plan, this.#state, this.#rows, this.#tick));
  }

  continueAsNew(): Promise<never> {
    const [run, state, rows] = [this.#run, this.#state, this.#rows];
    return this.#goOn({ run, state, rows, awaitingSinceMs: this.#awaitingSinceMs });
  }

  #become(event: RolloutEvent): void {
    const after = transition(this.#state, event);
    if (after.kind === 'awaitingApproval') this.#awaitingSinceMs ??= after.atMs;
    else if (after.kind !== 'paused') this.#awaitingSinceMs = null;
    this.#state = after;
    this.#tell(after);
  }

  #noteAnswer({ kind, reason, who = 'operator' }: Extract<StepEvent, { kind: 'heard' }>['message']): void {
    if ((kind !== 'approved' && kind !== 'rejected') || this.#state.kind !== 'awaitingApproval') return;
    this.#answers.push({ answer: kind, stage: comingStageOf(this.#state), reason, who, atMs: nowMs() });
  }
}

function rolloutEventOf(event: StepEvent): RolloutEvent {
  const { atMs } = event;
  switch (event.kind) {
    case 'heard': {
      const { kind, reason } = event.message;
      return { kind, reason, atMs };
    }
    case 'ticked': {
      const { verdict, reason, suspectRobotId, stopsClock = false } = event.result;
      const suspect = suspectRobotId === undefined ? {} : { suspectRobotId };
      return { kind: 'ticked', atMs, verdict: { verdict, reason, stopsClock, ...suspect } };
    }
    case 'exposed':
    case 'exposureRefused':
    case 'leaseLapsed':
    case 'returned':
      return event;
    default:
      return event satisfies never;
  }
}

/** The table of stages with the newest tick in its stage's row. */
function rowsWith(rows: readonly StageRow[], state: RolloutState, tick: JudgeTickResult): StageRow[] {
  const { lowerBound, marginFraction, robots: reportingRobots, episodes, candidates } = tick;
  const row = { stage: state.stage, robots: candidates, lowerBound, marginFraction, reportingRobots, episodes };
  return [...rows.filter(({ stage }) => stage !== state.stage), row].toSorted((a, b) => a.stage - b.stage);
}
