/** The fleet's desk: the one writer of assignments and leases, and what may be read of the fleet. */
export {
  assignmentRecordSchema,
  trialsOf,
  type AssignmentOverride,
  type AssignmentRecord,
  type AssignmentSnapshot,
} from './assignment-record.ts';
export { type AssignmentState } from './assignment-log.ts';
export { readAssignment, readAssignmentsSince } from './assignment-reader.ts';
export { bodiesOf, championFor } from './body-orders.ts';
export { championDesk } from './champion-desk.ts';
export { openDesk, type DeskPorts, type FleetDesk } from './desk.ts';
export { openFleet, type Fleet } from './fleet.ts';
export { openFleetReader, type FleetReader } from './fleet-reader.ts';
export { type FleetView, type NotServedBy, type RobotView } from './fleet-view.ts';
export { describeWaits, windowWait, type WindowWait } from './window-waits.ts';
export {
  moveRobot,
  quarantineRobot,
  readRobotLife,
  readSoundRobotLife,
  rebodyRobot,
  releaseRobot,
  retireRobot,
} from './robot-life.ts';
export { servedReader, standingOf } from './served-reader.ts';
export { addRobot, changeRobot, isRevokedRobot, keepsOf, readRobots, type RobotRecord } from './robots.ts';
export { isRegistered, readRegistrations } from './registrations.ts';
export { publishRoots } from './root-log.ts';
export { newToken, tokenHash } from './robot-tokens.ts';
export {
  openTelemetryLog,
  readTelemetryObject,
  telemetryKeys,
  type TelemetryBatch,
  type TelemetryLog,
} from './telemetry-log.ts';
export {
  consumedByHour,
  newEntries,
  openHourMs,
  readTelemetry,
  TelemetryCursor,
  type StoredEntry,
} from './telemetry-cursor.ts';
export { readAgentNote, transferRobot, writeAgentNote } from './transfer-robot.ts';
