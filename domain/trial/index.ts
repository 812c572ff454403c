export * from '../ab-test/progress.ts';
export { addReport, blocksOf, copyCells, otherTask, type Cell, type Cells, type Report } from './cells.ts';
export * from './choose-rollback.ts';
export type { TrialDraft, TrialFacts } from './draft-facts.ts';
export { draftTrial } from './draft-trial.ts';
export { robotEvidence, type Exposure, type Sighting } from './evidence.ts';
export * from './fleet-clock.ts';
export { statisticalRobots } from './small-fleet.ts';
export {
  fleetParametersSchema,
  fleetTimesSchema,
  robotPastSchema,
  trialPlanSchema,
  type TrialPlan,
  type TrialStage,
} from './plan-document.ts';
export { provableLimits } from './provable-stages.ts';
export { mostLives, RobotLives, type LifeOverlap, type RobotLife } from './robot-lives.ts';
export { mostRuns, takeSeq, type SeqRuns } from './seq-runs.ts';
