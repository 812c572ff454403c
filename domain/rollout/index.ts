export { parseRolloutPlan, type RolloutPlan, type RolloutStagePlan } from './plan.ts';
export type { ActiveKind, Progress, Return, RolloutEvent, RolloutStage, RolloutState, TickVerdict } from './state.ts';
export { plannedRollout } from './progress.ts';
export { transition } from './transition.ts';
export {
  championIsCandidate,
  exposureOf,
  guardClock,
  isTerminal,
  needsGuard,
  refusal,
  wantsExposure,
  wantsReturn,
} from './questions.ts';
