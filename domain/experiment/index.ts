export type { Block, RobotEvidence, FleetParameters, RobotHistory } from '../statistics/index.ts';
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
  type AbTestLimits,
  type TaskLimits,
  type RolloutLimitsInput,
  type AbTestLimitsInput,
  type TaskLimitsInput,
} from './limits.ts';
export { judgeGuard, decideGuard, type GuardInput, type GuardVerdict } from './guard.ts';
export type { GuardDecision, TickSituation } from './guard-rules.ts';
export { gatherFacts, factsOfFold, type GuardFacts, type GuardSituation } from './guard-facts.ts';
export { boundClaims } from './plausible-claims.ts';
export { fleetLevel, isFarBelow, type FleetLevel } from './fleet-level.ts';
export type { GuardMetric, MetricEvidence } from './alarms.ts';
export { cellsPerTestBlock } from './ab-blocks.ts';
export { judgeAbTest, type AbTestDecision, type AbTestInput, type AbTestVerdict } from './ab-test.ts';
export type { Guardrail } from './guardrails.ts';
export { judgeTasks, judgeHeldOutTasks, type TaskVerdict } from './tasks.ts';
export type { TaskEvidence } from './task-evidence.ts';
export { planAbTest, planRollout, type AbTestPlan, type FleetOutlook, type StagePlan } from './size-trial.ts';
