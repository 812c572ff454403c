import { ApplicationFailure, CancellationScope, condition, log, rootCause, workflowInfo } from '@temporalio/workflow';

import type { JudgeTickResult } from '../../activities/trials/judge-tick.ts';
import type { TrialIntent } from '../../domain/trial/intent.ts';
import { nowMs } from '../shared/now.ts';
import type { OperatorMessage, ReturnedRobots } from './messages.ts';
import {
  closeTrial,
  confirmed,
  confirmEveryMs,
  expose,
  fleetNow,
  nobody,
  renew,
  tick,
  type TrialMemory,
} from './run.ts';

/** What happens to a step; times are fleet time. */
export type StepEvent =
  | { readonly kind: 'heard'; readonly atMs: number; readonly message: OperatorMessage }
  | { readonly kind: 'ticked'; readonly atMs: number; readonly result: JudgeTickResult }
  | { readonly kind: 'exposed'; readonly atMs: number; readonly exposure: number }
  | { readonly kind: 'exposureRefused'; readonly atMs: number; readonly reason: string }
  | { readonly kind: 'leaseLapsed'; readonly atMs: number }
  | { readonly kind: 'returned'; readonly atMs: number };

/** What the state of a step says to the loop. */
export interface StepView {
  readonly intent: TrialIntent;
  readonly faultyRobots: readonly string[];
  /** What the guard is asked with, fleet time. */
  readonly guardClock: {
    readonly stage: 0 | 1 | 2 | 3;
    readonly hoursInStage: number;
    readonly hoursTotal: number;
  };
}

/** An A/B test or a rollout, as the loop drives it. */
export interface Step {
  view(): StepView;
  apply(event: StepEvent): void;
  /** What else there is to do at a tick: looks, approvals that ran out. */
  afterTick(): Promise<void>;
  /** What follows an assignment: the champion alias. */
  afterExposure(): Promise<void>;
  show(): void;
  /** Ends this run and begins the next one with what the step carries. */
  continueAsNew(): Promise<never>;
}

/**
 * Runs a step of a trial to its end: one loop, and the guard ticks in it whatever the state is, as long as a robot may run the
 * candidate. Messages are heard before anything else; the lease is renewed by the tick that judged; whatever makes judging
 * impossible brings the robots back. What is to be done stands in the step's intent, nowhere else.
 */
export async function guardedLoop(step: Step, run: TrialMemory, inbox: OperatorMessage[]): Promise<ReturnedRobots> {
  let robots = nobody;
  let nextTickMs = 0;
  while (step.view().intent.kind !== 'end') {
    for (const message of inbox.splice(0)) step.apply({ kind: 'heard', atMs: fleetNow(run), message });
    const isDue = nowMs() >= nextTickMs;
    if (isDue) nextTickMs = nowMs() + run.plan.times.tickMs;
    try {
      if (isDue) await guardTick(step, run);
      if (inbox.length > 0) continue;
      if (isDue) await step.afterTick();
      await writeExposure(step, run);
    } catch (error) {
      giveUp(step, run, error);
    }
    robots = await bringBack(step, run, robots);
    step.show();
    const { kind } = step.view().intent;
    if (kind === 'end') break;
    const pauseMs = kind === 'return' ? confirmEveryMs(run.plan.times.tickMs) : nextTickMs - nowMs();
    if (pauseMs > 0) await condition(() => inbox.length > 0, pauseMs);
    if (workflowInfo().continueAsNewSuggested && inbox.length === 0) return step.continueAsNew();
  }
  return robots;
}

/**
 * Judges, then lets the candidate run on, unless it is to go. A lease that ended meanwhile is an exposure that ended: the time
 * since is not counted, and what is judged now can only stop.
 */
async function guardTick(step: Step, run: TrialMemory): Promise<void> {
  if (run.originMs === null) return;
  if (step.view().intent.kind !== 'return' && nowMs() > run.leasedUntilMs)
    step.apply({ kind: 'leaseLapsed', atMs: fleetNow(run) });
  const { guardClock, faultyRobots } = step.view();
  const judged = await tick(run, guardClock, faultyRobots);
  if (judged.kind === 'unjudged') return;
  step.apply({ kind: 'ticked', atMs: fleetNow(run), result: judged.result });
  const { kind } = step.view().intent;
  if (kind === 'end' || kind === 'return') return;
  if ((await renew(run)) === 'closed') refuseExposure(step, run, 'the trial was closed');
}

/** Writes the assignments that are wanted, one after the other; each may make the next one wanted. */
async function writeExposure(step: Step, run: TrialMemory): Promise<void> {
  for (;;) {
    const { intent, faultyRobots } = step.view();
    if (intent.kind !== 'expose') return;
    const { exposure, robots, isLastStage, what, reason } = intent;
    const why = `${what} of ${run.plan.candidateVersion}: ${reason}`;
    const answer = await expose(run, { robots, isLastStage, why, faultyRobots });
    if (answer.kind === 'late') return;
    if (answer.kind === 'refused') return refuseExposure(step, run, answer.reason);
    step.apply({ kind: 'exposed', atMs: fleetNow(run), exposure });
    await step.afterExposure();
  }
}

const refuseExposure = (step: Step, run: TrialMemory, reason: string): void =>
  step.apply({ kind: 'exposureRefused', atMs: fleetNow(run), reason });

/** What cannot be judged must not run. */
function giveUp(step: Step, run: TrialMemory, error: unknown): void {
  if (!(error instanceof Error) || error.name === 'ContinueAsNew') throw error;
  const reason = `the guard cannot judge: ${rootCause(error) ?? error.message}`;
  step.apply({ kind: 'heard', atMs: fleetNow(run), message: { kind: 'abortRequested', reason } });
}

async function bringBack(step: Step, run: TrialMemory, before: ReturnedRobots): Promise<ReturnedRobots> {
  const { intent } = step.view();
  if (intent.kind !== 'return') return before;
  const returned = (): void => step.apply({ kind: 'returned', atMs: fleetNow(run) });
  if (run.leasedUntilMs === 0) {
    returned();
    return before;
  }
  const { urgency, reason: why } = intent;
  const isOrdered = run.returned !== null && (run.returned.urgency === urgency || run.returned.urgency === 'safeStop');
  if (!isOrdered) await closeTrial(run, { version: run.plan.championVersion, urgency, why });
  const { isDone, robots } = await confirmed(run);
  if (isDone) returned();
  return robots;
}

/** Runs `work` where a cancellation does not cut it off: it is heard as an abort, and the robots come back first. */
export function returningWhenCancelled<T>(inbox: OperatorMessage[], work: () => Promise<T>): Promise<T> {
  CancellationScope.current().cancelRequested.catch(() =>
    inbox.push({ kind: 'abortRequested', reason: 'the workflow was cancelled' }),
  );
  return CancellationScope.nonCancellable(work);
}

const messageKinds: readonly string[] = [
  'pauseRequested',
  'resumeRequested',
  'approved',
  'rejected',
  'abortRequested',
  'rollbackRequested',
] satisfies OperatorMessage['kind'][];

/** Takes messages that are such into the inbox; a signal has no answer, so others are only logged. */
export function hearing(inbox: OperatorMessage[]): (message: unknown) => void {
  return (message) => {
    const { kind, reason, who } = (message ?? {}) as Record<string, unknown>;
    const isOurs = typeof kind === 'string' && messageKinds.includes(kind) && typeof reason === 'string';
    if (!isOurs) return log.warn('expected an operator message with kind and reason, got another', { message });
    inbox.push({
      kind: kind as OperatorMessage['kind'],
      reason: reason.slice(0, 500),
      ...(typeof who === 'string' ? { who: who.slice(0, 200) } : {}),
    });
  };
}

/** What an operator must say with a message; throws in words otherwise. For validators, so without waiting. */
export function requireReason(word: unknown): void {
  const reason = (word as { reason?: unknown } | undefined)?.reason;
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > 500)
    throw ApplicationFailure.nonRetryable('expected {"reason": "why"} of 1 to 500 characters', 'InvalidInput');
}

/** The same, and who: what is decided is kept with a person's name. */
export function requirePerson(word: unknown): void {
  requireReason(word);
  const who = (word as { who?: unknown }).who;
  if (typeof who !== 'string' || who.trim() === '' || who.length > 200)
    refuse(
      'who: expected the name of the person who decides, 1 to 200 characters, as in {"reason": "…", "who": "ada"}',
    );
}

export function refuse(message: string): never {
  throw ApplicationFailure.nonRetryable(message, 'InvalidInput');
}
