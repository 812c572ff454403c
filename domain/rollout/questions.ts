import { counted, isBegun } from './progress.ts';
import { transition } from './transition.ts';
import type { RolloutEvent, RolloutState } from './state.ts';

/** Nothing more will happen. */
export const isTerminal = (state: RolloutState): boolean =>
  state.kind === 'promoted' ||
  state.kind === 'rolledBack' ||
  state.kind === 'endedWithoutPromotion' ||
  state.kind === 'aborted';

/**
 * A robot may run the candidate, so the guard must tick. A rollout on its way back ticks too: one that nobody began has no robot to
 * wait for.
 */
export const needsGuard = (state: RolloutState): boolean =>
  !isTerminal(state) && state.kind !== 'planned' && (isBegun(state) || state.kind === 'returning');

/**
 * The assignment of this state is not written yet: write it, then send `exposed` with its number, `wantedExposure`. Also in a
 * pause: an exposure under way is finished, and a faulty robot is taken off.
 */
export const wantsExposure = (state: RolloutState): boolean =>
  needsGuard(state) && state.kind !== 'returning' && state.writtenExposure < state.wantedExposure;

/** Who runs the candidate in this state: the first `robots` of the trial's order, without the faulty ones. */
export function exposureOf(state: RolloutState): { readonly robots: number; readonly without: readonly string[] } {
  const robots = needsGuard(state) && state.kind !== 'returning' ? (state.plan.stages[state.stage]?.robots ?? 0) : 0;
  return { robots, without: state.faultyRobots };
}

/**
 * What the guard is to be asked with, in fleet hours: the stage's own clock, and all time since the first exposure. `nowMs` is
 * fleet time of the tick; without it the last event's.
 */
export function guardClock(
  state: RolloutState,
  nowMs: number = state.atMs,
): { readonly hoursInStage: number; readonly hoursTotal: number } {
  const { stageMs, atMs, startedAtMs } = isTerminal(state) ? state : counted(state, nowMs);
  const total = startedAtMs === null ? 0 : atMs - startedAtMs;
  return { hoursInStage: stageMs / 3_600_000, hoursTotal: total / 3_600_000 };
}

/** Why an operator's message is refused in this state; nothing if it would change something. For validators of updates. */
export function refusal(state: RolloutState, event: RolloutEvent): string | undefined {
  const after = transition(state, event);
  const changed = after.kind !== state.kind || after.reason !== state.reason;
  return changed ? undefined : `${event.kind} means nothing while the rollout is ${state.kind}`;
}
