export { parseRolloutPlan } from './plan.ts';
export type { RolloutEnd, RolloutEvent, RolloutState } from './state.ts';
export { comingStageOf, plannedRollout } from './progress.ts';
export { transition } from './transition.ts';
export { intentOf } from './intent.ts';
export { exposureOf, guardClock, isTerminal, needsGuard, refusal, wantsExposure } from './questions.ts';
