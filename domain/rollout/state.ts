import type { GuardDecision } from '../experiment/index.ts';
import type { RolloutPlan } from './plan.ts';

export type RolloutStage = 0 | 1 | 2 | 3;

/** How far a rollout has come; ≤ 2 KiB with its plan. */
export interface Progress {
  readonly plan: RolloutPlan;
  readonly stage: RolloutStage;
  /** Fleet time of the first exposure; null before it. */
  readonly startedAtMs: number | null;
  /** Time the present stage was watched: exposures, pauses and waiting for approval do not count. */
  readonly stageMs: number;
  /** Fleet time of the last event. */
  readonly atMs: number;
  /** Stages with an advance verdict, in the order they came. */
  readonly proven: readonly RolloutStage[];
  /** Robots back on the champion because they alone explained an alarm. */
  readonly faultyRobots: readonly string[];
  /** The assignment wanted and the last one known to be written, as numbers; they differ while one is to be written. */
  readonly wantedExposure: number;
  readonly writtenExposure: number;
  readonly reason: string;
}

/** Where a rollout ends that does not promote. */
export type Return = 'rolledBack' | 'endedWithoutPromotion' | 'aborted';

/** Where a rollout ends. */
export type RolloutEnd = Return | 'promoted';

/** States in which robots may run the candidate, except those on the way back. */
export type ActiveKind = 'exposing' | 'watching' | 'held' | 'paused' | 'awaitingApproval' | 'holdback';

export type RolloutState =
  | (Progress & { readonly kind: 'planned' })
  /** The stage's robots are being put on the candidate. */
  | (Progress & { readonly kind: 'exposing' })
  | (Progress & { readonly kind: 'watching' })
  | (Progress & { readonly kind: 'held' })
  | (Progress & { readonly kind: 'paused'; readonly from: Exclude<ActiveKind, 'paused'> })
  /** This stage is proven, or nothing is exposed yet (`isBegun`); a person must let the next one, or the first, begin. */
  | (Progress & { readonly kind: 'awaitingApproval' })
  /** Stage 3: everybody but the holdback runs the candidate. */
  | (Progress & { readonly kind: 'holdback' })
  /** All robots are being put back on the champion. */
  | (Progress & { readonly kind: 'returning'; readonly end: Return })
  | (Progress & { readonly kind: Return })
  | (Progress & { readonly kind: 'promoted' });

/** What happens to a rollout; `atMs` is fleet time. */
export type RolloutEvent =
  | { readonly kind: 'started'; readonly atMs: number }
  /** The assignment with this number is written and took effect; one that is no longer wanted changes nothing else. */
  | { readonly kind: 'exposed'; readonly atMs: number; readonly exposure: number }
  /** Somebody else owns the fleet now: nothing more may be exposed. */
  | { readonly kind: 'exposureRefused'; readonly atMs: number; readonly reason: string }
  /** The robots went back by themselves: the stage is to be exposed again, evidence kept. */
  | { readonly kind: 'leaseLapsed'; readonly atMs: number }
  | { readonly kind: 'ticked'; readonly atMs: number; readonly verdict: TickVerdict }
  | { readonly kind: 'pauseRequested'; readonly atMs: number; readonly reason: string }
  | { readonly kind: 'resumeRequested'; readonly atMs: number }
  | { readonly kind: 'approved'; readonly atMs: number; readonly reason: string }
  | { readonly kind: 'rejected'; readonly atMs: number; readonly reason: string }
  | { readonly kind: 'approvalExpired'; readonly atMs: number }
  | { readonly kind: 'abortRequested'; readonly atMs: number; readonly reason: string }
  | { readonly kind: 'rollbackRequested'; readonly atMs: number; readonly reason: string }
  /** Every robot is back on the champion, or known to be offline and ordered back. */
  | { readonly kind: 'returned'; readonly atMs: number };

/** The part of a guard verdict that moves a rollout. */
export interface TickVerdict {
  readonly verdict: GuardDecision;
  /** The time since the last tick does not count for the stage: robots may not take the candidate yet. */
  readonly stopsClock?: boolean;
  readonly suspectRobotId?: string;
  readonly reason: string;
}
