export { judgeDrift, type DriftVerdict } from './drift.ts';
export { defaultDriftLimits, type DriftLimits, type FeatureDrift } from './feature-drift.ts';
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
export { incidentCauses, noticeCauses, type IncidentCause, type NoticeCause } from './causes.ts';
export {
  acknowledgeIncident,
  advanceIncidents,
  openIncidents,
  openSince,
  type BookStep,
  type Finding,
  type Hysteresis,
  type IncidentBook,
  type IncidentEvent,
  type OpenIncident,
  type Tracked,
} from './incidents.ts';
export { afterCollection, judgeData, noDataTrouble, type CollectionNews, type DataStanding } from './data-findings.ts';
export { judgePromotion, promotionGuardLimits, type PromotedRobot, type PromotionVerdict } from './promotion-guard.ts';
export { chooseTrigger, type TriggerChoice, type TriggerFacts } from './choose-trigger.ts';
export {
  followLoop,
  judgeLoop,
  noticeAt,
  type EndedRun,
  type LoopSight,
  type LoopStanding,
  type Retry,
} from './loop-findings.ts';
export { groupBySite, isSiteSubject } from './group-findings.ts';
export { judgeFailures, type FailureFindings } from './failure-findings.ts';
export { defaultMonitorLimits, monitorLimitRanges, whyNoMonitorLimits, type MonitorLimits } from './monitor-limits.ts';
export {
  conditionsSince,
  isSilent,
  judgeFleetLevel,
  judgeRobotAnomalies,
  judgeRobots,
  type FleetBaseline,
  type WatchedRobot,
} from './robot-findings.ts';
export {
  forgetOld,
  newMemory,
  rememberOutcome,
  type FleetMemory,
  type Outcome,
  type RobotMemory,
} from './robot-memory.ts';
