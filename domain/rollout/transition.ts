import { beginStage, comingStageOf, counted, ended, isBegun, moved, returning } from './progress.ts';
import type { RolloutEvent, RolloutState } from './state.ts';
import { judged, type Active } from './verdicts.ts';

/**
 * One step of a rollout. Events that mean nothing in a state leave it as it is, apart from the clock: nothing is an error here,
 * and the same event twice does no harm. Verdicts are received in every state in which robots may run the candidate, paused
 * and awaiting approval included; a rollback verdict returns the robots from all of them.
 */
export function transition(state: RolloutState, event: RolloutEvent): RolloutState {
  switch (state.kind) {
    case 'rolledBack':
    case 'endedWithoutPromotion':
    case 'aborted':
    case 'promoted':
      return state;
    case 'returning':
      return whileReturning(state, event);
    case 'planned':
      return whilePlanned(state, event);
    case 'exposing':
    case 'watching':
    case 'held':
    case 'paused':
    case 'awaitingApproval':
    case 'holdback':
      return whileActive(state, event);
    default:
      return state satisfies never;
  }
}

function whilePlanned(state: Extract<RolloutState, { kind: 'planned' }>, event: RolloutEvent): RolloutState {
  switch (event.kind) {
    case 'started':
      return started(moved(state, event.atMs));
    case 'abortRequested':
    case 'rejected':
    case 'rollbackRequested':
      return returning(state, event.kind === 'rollbackRequested' ? 'rolledBack' : 'aborted', event.reason, event.atMs);
    case 'exposureRefused':
      return returning(state, 'endedWithoutPromotion', event.reason, event.atMs);
    case 'exposed':
    case 'leaseLapsed':
    case 'ticked':
    case 'pauseRequested':
    case 'resumeRequested':
    case 'approved':
    case 'approvalExpired':
    case 'returned':
      return state;
    default:
      return event satisfies never;
  }
}

function started(state: Extract<RolloutState, { kind: 'planned' }>): RolloutState {
  return state.plan.approvalBefore.includes(0)
    ? { ...state, kind: 'awaitingApproval', reason: 'a person must let the first stage begin' }
    : beginStage(state, 0, 'started');
}

/** The first alarm says why; later ones judge robots that are on their way back already. */
function whileReturning(state: Extract<RolloutState, { kind: 'returning' }>, event: RolloutEvent): RolloutState {
  if (event.kind === 'returned') return ended(state, event.atMs);
  const isAlarm = event.kind === 'ticked' && event.verdict.verdict === 'rollback';
  if (isAlarm && state.end !== 'rolledBack')
    return { ...moved(state, event.atMs), kind: 'returning', end: 'rolledBack', reason: event.verdict.reason };
  if (event.kind === 'rollbackRequested') return { ...state, end: 'rolledBack', reason: event.reason };
  return state;
}

function whileActive(state: Active, event: RolloutEvent): RolloutState {
  switch (event.kind) {
    case 'ticked':
      return judged((event.verdict.stopsClock === true ? moved : counted)(state, event.atMs), event.verdict);
    case 'exposed':
      return exposed(state, event.atMs, event.exposure);
    case 'leaseLapsed':
      return lapsed(state, event.atMs);
    case 'exposureRefused':
      return returning(state, 'endedWithoutPromotion', event.reason, event.atMs);
    case 'pauseRequested':
      return state.kind === 'paused'
        ? state
        : { ...counted(state, event.atMs), kind: 'paused', from: state.kind, reason: event.reason };
    case 'resumeRequested':
      return state.kind === 'paused' ? resumed(state, event.atMs) : state;
    case 'approved':
      return state.kind === 'awaitingApproval' ? approved(state, event) : state;
    case 'rejected':
      return awaits(state) ? returning(state, 'endedWithoutPromotion', event.reason, event.atMs) : state;
    case 'approvalExpired':
      return awaits(state) ? returning(state, 'endedWithoutPromotion', 'nobody approved in time', event.atMs) : state;
    case 'abortRequested':
      return returning(state, 'aborted', event.reason, event.atMs);
    case 'rollbackRequested':
      return returning(state, 'rolledBack', event.reason, event.atMs);
    case 'started':
    case 'returned':
      return state;
    default:
      return event satisfies never;
  }
}

const awaits = (state: Active): boolean =>
  state.kind === 'awaitingApproval' || (state.kind === 'paused' && state.from === 'awaitingApproval');

function approved(
  state: Extract<Active, { kind: 'awaitingApproval' }>,
  { atMs, reason }: { atMs: number; reason: string },
): RolloutState {
  return beginStage(moved(state, atMs), comingStageOf(state), reason);
}

function exposed(state: Active, atMs: number, exposure: number): RolloutState {
  if (!isBegun(state)) return state;
  const writtenExposure = Math.max(state.writtenExposure, Math.min(exposure, state.wantedExposure));
  const written = { ...counted(state, atMs), writtenExposure, startedAtMs: state.startedAtMs ?? atMs };
  if (writtenExposure < state.wantedExposure) return written;
  const watch = state.stage === 3 ? 'holdback' : 'watching';
  if (state.kind === 'exposing') return { ...written, kind: watch };
  if (state.kind === 'paused' && state.from === 'exposing') return { ...written, kind: 'paused', from: watch };
  return written;
}

/**
 * The robots are back on the champion without our doing: the present assignment is to be written again. The time since the last
 * tick was not watched: an outage must not prove a stage.
 */
function lapsed(state: Active, atMs: number): RolloutState {
  if (!isBegun(state)) return state;
  const again = { ...moved(state, atMs), wantedExposure: state.wantedExposure + 1, reason: 'lease lapsed' };
  return state.kind === 'paused' || state.kind === 'awaitingApproval' ? again : { ...again, kind: 'exposing' };
}

/** From held the next tick decides anew; the clock stood still meanwhile. */
function resumed(state: Extract<Active, { kind: 'paused' }>, atMs: number): RolloutState {
  const { from, ...rest } = moved(state, atMs);
  return { ...rest, kind: from, reason: 'resumed' };
}
