export type { RobotEvidence } from '../statistics/index.ts';
export { assignArms, type Assignable } from './assignment.ts';
export {
  defaultRolloutLimits,
  defaultAbTestLimits,
  defaultTaskLimits,
  parseRolloutLimits,
  parseAbTestLimits,
  parseTaskLimits,
  stageLimits,
  stageRobots,
  maximumHours,
  type RolloutLimits,
  type RolloutLimitsInput,
  type AbTestLimitsInput,
  type TaskLimitsInput,
} from './limits.ts';
export { judgeGuard, decideGuard, type GuardInput, type GuardVerdict } from './guard.ts';
export type { GuardDecision } from './guard-rules.ts';
export { gatherFacts, factsOfFold } from './guard-facts.ts';
export { boundClaims } from './plausible-claims.ts';
export { fleetLevel, isFarBelow } from './fleet-level.ts';
export { cellsPerTestBlock } from './ab-blocks.ts';
export { judgeAbTest, type AbTestInput, type AbTestVerdict } from './ab-test.ts';
export { judgeTasks, judgeHeldOutTasks, type TaskVerdict } from './tasks.ts';
export { planAbTest, planRollout, type AbTestPlan, type FleetOutlook, type StagePlan } from './size-trial.ts';
