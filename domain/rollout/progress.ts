import type { RolloutPlan } from './plan.ts';
import type { Progress, Return, RolloutStage, RolloutState } from './state.ts';

/** A rollout that has not begun. */
export const plannedRollout = (plan: RolloutPlan, atMs: number): RolloutState => ({
  kind: 'planned',
  plan,
  stage: 0,
  startedAtMs: null,
  stageMs: 0,
  atMs,
  proven: [],
  faultyRobots: [],
  wantedExposure: 0,
  writtenExposure: 0,
  reason: 'planned',
});

/** Robots are, or were to be, on the candidate; until then only a person can let the first stage begin. */
export const isBegun = ({ wantedExposure }: Progress): boolean => wantedExposure > 0;

/** The stage that begins next: the first, or the one after the present; the last where none comes. */
export const comingStageOf = (state: Progress): RolloutStage =>
  isBegun(state) ? (nextStageOf(state.stage) ?? state.stage) : state.stage;

/** The stage after this one; nothing after the last. */
export function nextStageOf(stage: RolloutStage): RolloutStage | undefined {
  const following = [1, 2, 3, undefined] as const;
  return following[stage];
}

/** Takes a stage on: its assignment is to be written, its clock starts anew. */
export const beginStage = (state: Progress, stage: RolloutStage, reason: string): RolloutState => ({
  ...progressOf(state),
  kind: 'exposing',
  stage,
  stageMs: 0,
  wantedExposure: state.wantedExposure + 1,
  reason,
});

/** Puts everybody back on the champion; the only way to any end but promotion. */
export const returning = (state: Progress, end: Return, reason: string, atMs: number): RolloutState => ({
  ...progressOf(moved(state, atMs)),
  kind: 'returning',
  end,
  reason,
});

export const ended = (state: Extract<RolloutState, { kind: 'returning' }>, atMs: number): RolloutState => ({
  ...progressOf(moved(state, atMs)),
  kind: state.end,
});

/** The same state later; time never runs backwards. */
export const moved = <S extends Progress>(state: S, atMs: number): S => ({
  ...state,
  atMs: Math.max(state.atMs, atMs),
});

/** The same state later, the stage's clock going on if it is being watched. */
export function counted<S extends Progress & { readonly kind: RolloutState['kind'] }>(state: S, atMs: number): S {
  const watched = state.kind === 'watching' || state.kind === 'held' || state.kind === 'holdback';
  const passed = watched ? Math.max(0, atMs - state.atMs) : 0;
  return { ...moved(state, atMs), stageMs: state.stageMs + passed };
}

/** Takes one robot off the candidate for the rest of the rollout; without a name, or twice, nothing changes. */
export function withoutRobot<S extends Progress>(state: S, robotId: string | undefined, reason: string): S {
  if (robotId === undefined || state.faultyRobots.includes(robotId)) return state;
  return {
    ...state,
    faultyRobots: [...state.faultyRobots, robotId],
    // Where nobody runs the candidate yet there is nobody to be taken off it.
    wantedExposure: isBegun(state) ? state.wantedExposure + 1 : 0,
    reason,
  };
}

/** Only what every state carries. */
function progressOf(state: Progress): Progress {
  const { plan, stage, startedAtMs, stageMs, atMs, proven, faultyRobots, wantedExposure, writtenExposure, reason } =
    state;
  return { plan, stage, startedAtMs, stageMs, atMs, proven, faultyRobots, wantedExposure, writtenExposure, reason };
}
