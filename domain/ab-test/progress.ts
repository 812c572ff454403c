/**
 * How an A/B test ends. `harmful`: the guard stopped it. `infeasible`: numbers cannot decide here, people must. `notStarted`: there
 * is nothing to test, or the fleet was not free.
 */
export type AbTestEnd =
  | 'accept'
  | 'acceptEquivalent'
  | 'reject'
  | 'block'
  | 'harmful'
  | 'aborted'
  | 'infeasible'
  | 'notStarted';

/** How far an A/B test has come. Times are fleet time, milliseconds. */
export interface AbProgress {
  readonly kind: 'exposing' | 'watching' | 'paused' | 'returning' | 'ended';
  readonly startedAtMs: number | null;
  readonly atMs: number;
  /** Time watched: pauses do not count. */
  readonly watchedMs: number;
  readonly looksDone: number;
  readonly faultyRobots: readonly string[];
  readonly wantedExposure: number;
  readonly writtenExposure: number;
  readonly end: AbTestEnd | null;
  readonly reason: string;
}

export type AbEvent =
  | { readonly kind: 'exposed'; readonly atMs: number; readonly exposure: number }
  | { readonly kind: 'exposureRefused'; readonly atMs: number; readonly reason: string }
  | { readonly kind: 'leaseLapsed'; readonly atMs: number }
  | {
      readonly kind: 'ticked';
      readonly atMs: number;
      readonly verdict: 'continue' | 'advance' | 'hold' | 'rollback' | 'robotFault';
      readonly suspectRobotId?: string;
      /** The time since the last event was not watched: robots may not take the candidate yet. */
      readonly stopsClock?: boolean;
      readonly reason: string;
    }
  | {
      readonly kind: 'looked';
      readonly atMs: number;
      readonly look: number;
      readonly decision: 'accept' | 'acceptEquivalent' | 'reject' | 'continue' | 'block';
      readonly reason: string;
    }
  | { readonly kind: 'pauseRequested'; readonly atMs: number; readonly reason: string }
  | { readonly kind: 'resumeRequested'; readonly atMs: number }
  | { readonly kind: 'abortRequested'; readonly atMs: number; readonly reason: string }
  | { readonly kind: 'rollbackRequested'; readonly atMs: number; readonly reason: string }
  | { readonly kind: 'returned'; readonly atMs: number };

export const begunAbTest = (atMs: number): AbProgress => ({
  kind: 'exposing',
  startedAtMs: null,
  atMs,
  watchedMs: 0,
  looksDone: 0,
  faultyRobots: [],
  wantedExposure: 1,
  writtenExposure: 0,
  end: null,
  reason: 'planned',
});

/**
 * One step of an A/B test. The guard's verdict counts in every state in which a robot may run the candidate, a pause
 * included; looks count only while it is watched. Every end passes through `returning`: the arms go back to the champion.
 * Events that mean nothing in a state leave it as it is.
 */
export function abTransition(state: AbProgress, event: AbEvent): AbProgress {
  if (state.kind === 'ended') return state;
  // Time without a lease was not watched.
  const isUnwatched = event.kind === 'leaseLapsed' || (event.kind === 'ticked' && event.stopsClock === true);
  const now = isUnwatched ? { ...state, atMs: Math.max(state.atMs, event.atMs) } : counted(state, event.atMs);
  if (state.kind === 'returning') return whileReturning(now, event);
  switch (event.kind) {
    case 'exposed':
      return exposed(now, event.exposure);
    case 'leaseLapsed':
      return { ...now, wantedExposure: now.wantedExposure + 1, reason: 'lease lapsed' };
    case 'exposureRefused':
      return returning(now, now.startedAtMs === null ? 'notStarted' : 'aborted', event.reason);
    case 'ticked':
      return ticked(now, event);
    case 'looked':
      return looked(now, event);
    case 'pauseRequested':
      return now.kind === 'paused' ? now : { ...now, kind: 'paused', reason: event.reason };
    case 'resumeRequested':
      return now.kind === 'paused' ? { ...now, kind: whenResumed(now), reason: 'resumed' } : now;
    case 'abortRequested':
      return returning(now, 'aborted', event.reason);
    case 'rollbackRequested':
      return returning(now, 'harmful', event.reason);
    case 'returned':
      return now;
    default:
      return event satisfies never;
  }
}

/** The first alarm says why; later ones judge robots that are on their way back already. */
function whileReturning(now: AbProgress, event: AbEvent): AbProgress {
  if (event.kind === 'returned') return { ...now, kind: 'ended' };
  const isNewAlarm = event.kind === 'ticked' && event.verdict === 'rollback' && now.end !== 'harmful';
  return isNewAlarm || event.kind === 'rollbackRequested' ? { ...now, end: 'harmful', reason: event.reason } : now;
}

function exposed(now: AbProgress, exposure: number): AbProgress {
  const written = { ...now, writtenExposure: Math.max(now.writtenExposure, Math.min(exposure, now.wantedExposure)) };
  const begun = { ...written, startedAtMs: now.startedAtMs ?? now.atMs };
  return begun.kind === 'exposing' && begun.writtenExposure === begun.wantedExposure
    ? { ...begun, kind: 'watching', reason: 'arms assigned' }
    : begun;
}

function ticked(
  now: AbProgress,
  { verdict, suspectRobotId, reason }: Extract<AbEvent, { kind: 'ticked' }>,
): AbProgress {
  if (verdict === 'rollback') return returning(now, 'harmful', reason);
  if (verdict !== 'robotFault' || suspectRobotId === undefined || now.faultyRobots.includes(suspectRobotId)) return now;
  return {
    ...now,
    faultyRobots: [...now.faultyRobots, suspectRobotId],
    wantedExposure: now.wantedExposure + 1,
    reason,
  };
}

function looked(now: AbProgress, { look, decision, reason }: Extract<AbEvent, { kind: 'looked' }>): AbProgress {
  if (now.kind !== 'watching' || look <= now.looksDone) return now;
  const seen = { ...now, looksDone: look, reason };
  return decision === 'continue' ? seen : returning(seen, decision, reason);
}

const returning = (now: AbProgress, end: AbTestEnd, reason: string): AbProgress => ({
  ...now,
  kind: 'returning',
  end,
  reason,
});

const whenResumed = ({ startedAtMs }: AbProgress): 'exposing' | 'watching' =>
  startedAtMs === null ? 'exposing' : 'watching';

function counted(state: AbProgress, atMs: number): AbProgress {
  const passed = state.kind === 'watching' ? Math.max(0, atMs - state.atMs) : 0;
  return { ...state, atMs: Math.max(state.atMs, atMs), watchedMs: state.watchedMs + passed };
}
