import { ApplicationFailure, CancellationScope, condition, log, rootCause, workflowInfo } from '@temporalio/workflow';

import type { JudgeTickResult } from '../../activities/trials/judge-tick.ts';
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

/** What the loop must know of an A/B test or a rollout; times are fleet time. Methods only change its state. */
export interface Step {
  readonly isEnded: () => boolean;
  /** How urgently all robots are wanted back; undefined while they are not. */
  readonly wantsReturn: () => { readonly urgency: 'whenIdle' | 'safeStop'; readonly reason: string } | undefined;
  /** The assignment that is to be written, if one is. */
  readonly wantsExposure: () =>
    | { readonly exposure: number; readonly robots: number; readonly isLastStage: boolean; readonly why: string }
    | undefined;
  readonly faultyRobots: () => readonly string[];
  readonly guardClock: () => {
    readonly stage: 0 | 1 | 2 | 3;
    readonly hoursInStage: number;
    readonly hoursTotal: number;
  };
  readonly heard: (message: OperatorMessage, atMs: number) => void;
  readonly exposed: (exposure: number, atMs: number) => void;
  readonly exposureRefused: (reason: string, atMs: number) => void;
  readonly leaseLapsed: (atMs: number) => void;
  readonly ticked: (result: JudgeTickResult, atMs: number) => void;
  readonly returned: (atMs: number) => void;
  /** What else there is to do at a tick: looks, approvals that ran out. */
  readonly afterTick: () => Promise<void>;
  /** What follows an assignment: the champion alias. */
  readonly afterExposure: () => Promise<void>;
  readonly show: () => void;
  /** Ends this run and begins the next one with what the step carries. */
  readonly continueAsNew: () => Promise<never>;
}

/**
 * Runs a step of a trial to its end: one loop, and the guard ticks in it whatever the state is, as long as a robot may run the
 * candidate. Messages are heard before anything else; the lease is renewed by the tick that judged; whatever makes judging
 * impossible brings the robots back.
 */
export async function guardedLoop(step: Step, run: TrialMemory, inbox: OperatorMessage[]): Promise<ReturnedRobots> {
  let robots = nobody;
  let nextTickMs = 0;
  while (!step.isEnded()) {
    for (const message of inbox.splice(0)) step.heard(message, fleetNow(run));
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
    if (step.isEnded()) break;
    const pauseMs = step.wantsReturn() === undefined ? nextTickMs - nowMs() : confirmEveryMs(run.plan.times.tickMs);
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
  if (step.wantsReturn() === undefined && nowMs() > run.leasedUntilMs) step.leaseLapsed(fleetNow(run));
  const judged = await tick(run, step.guardClock(), step.faultyRobots());
  if (judged.kind === 'unjudged') return;
  step.ticked(judged.result, fleetNow(run));
  if (step.isEnded() || step.wantsReturn() !== undefined) return;
  if ((await renew(run)) === 'closed') step.exposureRefused('the trial was closed', fleetNow(run));
}

async function writeExposure(step: Step, run: TrialMemory): Promise<void> {
  for (let wanted = step.wantsExposure(); wanted !== undefined; wanted = step.wantsExposure()) {
    const { exposure, ...more } = wanted;
    const answer = await expose(run, { ...more, faultyRobots: step.faultyRobots() });
    if (answer.kind === 'late') return;
    if (answer.kind === 'refused') return step.exposureRefused(answer.reason, fleetNow(run));
    step.exposed(exposure, fleetNow(run));
    await step.afterExposure();
  }
}

/** What cannot be judged must not run. */
function giveUp(step: Step, run: TrialMemory, error: unknown): void {
  if (!(error instanceof Error) || error.name === 'ContinueAsNew') throw error;
  const reason = `the guard cannot judge: ${rootCause(error) ?? error.message}`;
  step.heard({ kind: 'abortRequested', reason }, fleetNow(run));
}

async function bringBack(step: Step, run: TrialMemory, before: ReturnedRobots): Promise<ReturnedRobots> {
  const wanted = step.wantsReturn();
  if (wanted === undefined) return before;
  if (run.leasedUntilMs === 0) {
    step.returned(fleetNow(run));
    return before;
  }
  const { urgency, reason: why } = wanted;
  const isOrdered = run.returned !== null && (run.returned.urgency === urgency || run.returned.urgency === 'safeStop');
  if (!isOrdered) await closeTrial(run, { version: run.plan.championVersion, urgency, why });
  const { isDone, robots } = await confirmed(run);
  if (isDone) step.returned(fleetNow(run));
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
