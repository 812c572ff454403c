export * from '../ab-test/progress.ts';
export {
  addReport,
  blocksOf,
  otherTask,
  type Cell,
  type Cells,
  type PackedCell,
  type PackedCells,
  type Report,
} from './cells.ts';
export * from './choose-rollback.ts';
export { rollbackTargets } from './rollback-targets.ts';
export { addDoubt, isDoubtful, type DoubtfulBlocks } from './doubtful-blocks.ts';
export type { TrialFacts } from './draft-facts.ts';
export { draftTrial } from './draft-trial.ts';
export { robotEvidence, unsafeLateRobots, type Sighting } from './evidence.ts';
export * from './fleet-clock.ts';
export { fleetParametersSchema, robotPastSchema, trialPlanSchema, type TrialPlan } from './plan-document.ts';
export { leftTrialMs } from './leaving.ts';
export { packCells, TaskNames, unpackCells } from './packed-cells.ts';
export { provableLimits } from './provable-stages.ts';
export { mostLives, RobotLives, type LifeOverlap, type RobotLife } from './robot-lives.ts';
export { mostRuns, takeSeq } from './seq-runs.ts';
export { readyAtMs, stageNeeds, type StageTick } from './stage-needs.ts';
export { isAgainst } from './trial-against.ts';
export { monitorName, undoneOrder, undoOf, undoTarget, whyNotRestored } from './undo-rollback.ts';
