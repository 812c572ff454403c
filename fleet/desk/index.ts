/** The fleet's desk: the one writer of assignments and leases, and what may be read of the fleet. */
export { ordersOf, type AssignmentState, type Order } from './assignment-log.ts';
export {
  assignmentRecordSchema,
  trialsOf,
  type AssignmentOverride,
  type AssignmentRecord,
  type AssignmentSnapshot,
} from './assignment-record.ts';
export { championDesk } from './champion-desk.ts';
export type { Confirmations } from './confirmations.ts';
export {
  openDesk,
  type DeskPorts,
  type FleetDesk,
  type RenewLeaseInput,
  type RenewLeaseResult,
  type WriteAssignmentInput,
  type WriteAssignmentResult,
} from './desk.ts';
export { openFleet, type Fleet } from './fleet.ts';
export { openFleetReader, type FleetReader } from './fleet-reader.ts';
export { defaultViewLimits, type FleetView, type RobotView, type ViewLimits } from './fleet-view.ts';
export { defaultLeaseMs, readLease } from './lease.ts';
export { addRobot, changeRobot, readRobots, type NewRobot, type RobotRecord } from './robots.ts';
export { publishRoots } from './root-log.ts';
export type { SealOutcome } from './order-sealer.ts';
export { newToken, tokenHash } from './robot-tokens.ts';
export {
  openTelemetryLog,
  readTelemetry,
  readTelemetryObject,
  TelemetryDedupe,
  telemetryKeys,
  type StoredEntry,
  type TelemetryBatch,
  type TelemetryLog,
} from './telemetry-log.ts';
