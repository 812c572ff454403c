import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';

import type { AskedBy } from '../../domain/trial/own-request.ts';
import type { AbTestEnd, AbProgress } from '../../domain/ab-test/progress.ts';
import type { RolloutState } from '../../domain/rollout/index.ts';
import type { JudgeLookResult } from '../../activities/trials/judge-look.ts';
import type { JudgeTickResult } from '../../activities/trials/judge-tick.ts';
import { messageNames } from '../../domain/contract/message-names.ts';

/** What an operator says with a message: why, and who, both kept. */
export interface OperatorWord {
  readonly reason: string;
  readonly who?: string;
  /** Of an approval: refused where `who` asked for what is approved, or nobody knows who did. */
  readonly isNotOwn?: boolean;
  /** The candidate, or the request for a rollback, that is meant: refused where it is another one by now. */
  readonly meant?: string;
  /** Of the answer to a stage that waits: the reason that was shown with it; refused where another stage waits by now. */
  readonly waitsFor?: string;
}

/** Stops advancing and the clocks of stages; the guard goes on. */
export const pauseUpdate = defineUpdate<string, [OperatorWord]>(messageNames.pause);
export const resumeUpdate = defineUpdate<string, [OperatorWord]>(messageNames.resume);
/** Lets the stage begin that waits for a person; `reject` ends instead, with the robots on the champion. */
export const approveUpdate = defineUpdate<string, [OperatorWord]>(messageNames.approve);
export const rejectUpdate = defineUpdate<string, [OperatorWord]>(messageNames.reject);
/** Hands a candidate to the slot of its policy; the input is that of `trialPolicy`. */
export const offerUpdate = defineUpdate<string, [unknown]>(messageNames.offer);

/** A trial passes its operator's messages on to the step that runs. */
export const operatorSignal = defineSignal<[OperatorMessage]>(messageNames.operator);
/** A step tells its trial how far it is. */
export const progressSignal = defineSignal<[StepProgress]>(messageNames.progress);

export const trialStatusQuery = defineQuery<TrialStatus>(messageNames.status);
export const abTestStatusQuery = defineQuery<AbTestStatus>(messageNames.status);
export const rolloutStatusQuery = defineQuery<RolloutStatus>(messageNames.status);
export const rollbackStatusQuery = defineQuery<RollbackStatus>(messageNames.status);

export interface OperatorMessage {
  readonly kind:
    | 'pauseRequested'
    | 'resumeRequested'
    | 'approved'
    | 'rejected'
    | 'abortRequested'
    | 'rollbackRequested';
  readonly reason: string;
  readonly who?: string;
}

export interface StepProgress {
  readonly kind: AbProgress['kind'] | RolloutState['kind'];
  readonly reason: string;
  /** Of a rollout: robots of which bodies a promotion does not give the candidate, and what does; absent where there are none. */
  readonly withheld?: string;
}

/** A line of the table of stages. */
export interface StageRow {
  readonly stage: number;
  readonly robots: number;
  readonly lowerBound: number;
  readonly marginFraction: number | null;
  readonly reportingRobots: number;
  readonly episodes: number;
}

/** Who follows the last order, as an end says it. */
export interface ReturnedRobots {
  readonly confirmed: number;
  /** Who follows the order when the update windows of its site open; absent where nobody waits. */
  readonly windowed?: readonly string[];
  readonly offline: readonly string[];
  readonly failed: readonly string[];
}

export interface AbTestStatus {
  readonly progress: AbProgress;
  readonly trialId: string;
  readonly look?: JudgeLookResult;
  readonly tick?: JudgeTickResult;
}

export interface AbTestResult {
  readonly decision: AbTestEnd;
  readonly reason: string;
  readonly trialId: string;
  readonly candidateVersion: string | null;
  readonly anchorLossFraction: number | null;
  readonly faultyRobots: readonly string[];
  readonly robots: ReturnedRobots;
}

export interface RolloutStatus {
  readonly state: RolloutState | null;
  readonly trialId: string;
  readonly rows: readonly StageRow[];
  readonly tick?: JudgeTickResult;
}

export interface RolloutResult {
  readonly outcome: 'promoted' | 'rolledBack' | 'endedWithoutPromotion' | 'aborted' | 'notStarted';
  readonly reason: string;
  readonly trialId: string;
  readonly candidateVersion: string | null;
  readonly stagesProven: number;
  readonly faultyRobots: readonly string[];
  readonly robots: ReturnedRobots;
  /** Of a promotion: robots of which bodies did not get the version by it; absent where there are none. */
  readonly withheld?: string;
}

export interface TrialStatus {
  readonly policy: string;
  readonly stage: 'starting' | 'planning' | 'abTest' | 'rollout' | 'recording' | 'ended';
  readonly candidateVersion: string | null;
  /** Candidate of the offer that comes next. */
  readonly waitingVersion: string | null;
  readonly step: StepProgress | null;
  /** While the step is paused: from what. Absent where it is not known. */
  readonly pausedFrom?: StepProgress['kind'];
  /** Who asked for the trial that runs, and why; absent before it is planned. */
  readonly askedBy?: AskedBy;
  readonly abTest: AbTestResult | null;
  readonly result: TrialResult | null;
}

export interface TrialResult {
  readonly outcome: RolloutResult['outcome'] | 'rejected' | 'blocked' | 'failed';
  readonly reason: string;
  readonly candidateVersion: string | null;
  readonly abTest: AbTestEnd | null;
  readonly faultyRobots: readonly string[];
  /** As in {@link RolloutResult}. */
  readonly withheld?: string;
}

/** Asks for a rollback while one runs: to the champion or the champion before at once, whatever waits for an approval. */
export const orderUpdate = defineUpdate<RollbackAnswer, [RollbackOrder]>(messageNames.order);

export interface RollbackOrder extends OperatorWord {
  /** A version or an alias; default: ends the trial that runs, else the champion before. */
  readonly target?: string;
  /** The same request again changes nothing. */
  readonly requestId?: string;
}

/** Somebody's wish to take the fleet back. */
export interface RollbackRequest {
  readonly requestId: string;
  readonly target: string | null;
  readonly reason: string;
  readonly who: string;
}

/** What a request became. `overtaken`: it waited for an approval, and another one acted. */
export interface RollbackAnswer {
  readonly kind: 'ordered' | 'awaitingApproval' | 'nothing' | 'rejected' | 'overtaken';
  readonly version: string | null;
  /** Place of the order in the assignment log; null without one. */
  readonly seq: number | null;
  readonly reason: string;
  /** Who let it happen, where a person had to; null elsewhere. */
  readonly approvedBy: string | null;
}

export interface RollbackRecord extends RollbackRequest {
  readonly answer: RollbackAnswer;
}

export interface RollbackStatus {
  readonly stage: 'deciding' | 'awaitingApproval' | 'returning' | 'ended';
  readonly version: string | null;
  readonly reason: string;
  /** The request that waits for a person, and until when; null: none waits. */
  readonly waiting: (RollbackRequest & { readonly version: string; readonly untilMs: number }) | null;
  /** Everything that was asked of this workflow, oldest first. */
  readonly requests: readonly RollbackRecord[];
}

export interface RollbackResult {
  readonly outcome: 'rolledBack' | 'nothingToDo' | 'rejected';
  readonly reason: string;
  readonly version: string | null;
  readonly endedTrialId: string | null;
  readonly confirmed: readonly string[];
  readonly offline: readonly string[];
  readonly failed: readonly string[];
  /** Who asked for what, and who approved it, when there was more than one request or an approval. */
  readonly requests?: readonly RollbackRecord[];
}
