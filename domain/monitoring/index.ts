export { judgeDrift, type DriftVerdict } from './drift.ts';
export { judgeAnomalies } from './anomaly.ts';
export { judgeFailureReasons, type RobotFailures } from './failure-reasons.ts';
export { judgeHealth, judgeAutomaticRollback } from './robot-health.ts';
export type { IncidentCause } from './causes.ts';
export { hysteresisOf } from './hysteresis.ts';
export {
  acknowledgeIncident,
  advanceIncidents,
  openIncidents,
  openSince,
  type Finding,
  type IncidentBook,
  type IncidentEvent,
  type OpenIncident,
} from './incidents.ts';
export { afterCollection, judgeData, noDataTrouble, type CollectionNews, type DataStanding } from './data-findings.ts';
export { judgePromotion, promotionGuardLimits, type PromotedRobot } from './promotion-guard.ts';
export { chooseTrigger, isDriftLookDue, type TriggerFacts } from './choose-trigger.ts';
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
export { forgetOld, newMemory, rememberOutcome, type FleetMemory } from './robot-memory.ts';
