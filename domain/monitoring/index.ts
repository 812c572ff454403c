export { judgeDrift, defaultDriftLimits, type DriftLimits, type DriftVerdict, type FeatureDrift } from './drift.ts';
export { judgeAnomalies, defaultAnomalyLimits, type AnomalyLimits, type RobotAnomaly } from './anomaly.ts';
export {
  judgeFailureReasons,
  defaultFailureReasonLimits,
  type FailureReasonLimits,
  type ReasonChange,
  type RobotFailures,
} from './failure-reasons.ts';
export {
  judgeHealth,
  judgeAutomaticRollback,
  defaultHealthLimits,
  type HealthLimits,
  type RobotCondition,
  type RobotSigns,
} from './robot-health.ts';
