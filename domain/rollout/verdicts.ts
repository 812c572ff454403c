import { beginStage, nextStageOf, returning, withoutRobot } from './progress.ts';
import type { RolloutState, TickVerdict } from './state.ts';

/** A state in which robots may run the candidate. */
export type Active = Extract<
  RolloutState,
  { kind: 'exposing' | 'watching' | 'held' | 'paused' | 'awaitingApproval' | 'holdback' }
>;

/** A stage may wait this many of its maxima for proof; then the rollout ends, which is not an alarm. */
const mostMaxima = 2;

/** A verdict; alarms first, in every active state. */
export function judged(state: Active, verdict: TickVerdict): RolloutState {
  switch (verdict.verdict) {
    case 'rollback':
      return returning(state, 'rolledBack', verdict.reason, state.atMs);
    case 'robotFault':
      return withoutRobot(state, verdict.suspectRobotId, verdict.reason);
    case 'advance':
      return isWatched(state) ? advanced(state, verdict.reason) : state;
    case 'hold':
      return (
        timedOut(state) ?? (state.kind === 'watching' ? { ...state, kind: 'held', reason: verdict.reason } : state)
      );
    case 'continue':
      return (
        timedOut(state) ?? (state.kind === 'held' ? { ...state, kind: 'watching', reason: verdict.reason } : state)
      );
    default:
      return verdict.verdict satisfies never;
  }
}

const isWatched = (state: Active): boolean =>
  (state.kind === 'watching' || state.kind === 'held' || state.kind === 'holdback') &&
  state.writtenExposure === state.wantedExposure;

function timedOut(state: Active): RolloutState | undefined {
  const longest = (state.plan.stages[state.stage]?.maximumHours ?? 0) * mostMaxima * 3_600_000;
  const watched = state.kind === 'watching' || state.kind === 'held' || state.kind === 'holdback';
  if (!watched || state.stageMs < longest) return undefined;
  return returning(state, 'endedWithoutPromotion', `stage ${state.stage} was not proven in time`, state.atMs);
}

function advanced(state: Active, reason: string): RolloutState {
  const proven = { ...state, proven: [...state.proven, state.stage], reason };
  const next = nextStageOf(state.stage);
  if (next === undefined) return { ...proven, kind: 'promoted' };
  return state.plan.approvalBefore.includes(next)
    ? { ...proven, kind: 'awaitingApproval' }
    : beginStage(proven, next, reason);
}
