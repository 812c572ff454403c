import type { Urgency } from '../protocol/index.ts';
import { trialsOf, type AssignmentRecord } from './assignment-record.ts';

export interface LoggedAssignment {
  readonly seq: number;
  readonly record: AssignmentRecord;
}

/** What a policy's assignment log says up to `seq`. */
export interface AssignmentState {
  /** Position of the last record, obeyed or ignored; -1 for an empty log. */
  readonly seq: number;
  /** The record in force and its position; undefined until there is one. */
  readonly current: LoggedAssignment | undefined;
  readonly closedTrialIds: ReadonlySet<string>;
  /** Every trial that a record in force ever put robots on. */
  readonly begunTrialIds: ReadonlySet<string>;
}

export const noAssignments: AssignmentState = {
  seq: -1,
  current: undefined,
  closedTrialIds: new Set(),
  begunTrialIds: new Set(),
};

/**
 * The state after one more record. A record that names a closed trial is ignored whole: what was in force stays, so an
 * attempt that wakes after its trial was closed changes nothing, even if it found a free place in the log. Records must
 * come in the order of the log, without a gap.
 */
export function applyAssignment(state: AssignmentState, entry: LoggedAssignment): AssignmentState {
  if (entry.seq !== state.seq + 1)
    throw new RangeError(`expected record ${state.seq + 1} of the assignment log, got ${entry.seq}`);
  if (closedTrialOf(state, entry.record) !== undefined) return { ...state, seq: entry.seq };
  const { record } = entry;
  const closedTrialIds =
    record.kind === 'closeTrial' ? new Set([...state.closedTrialIds, record.closedTrialId]) : state.closedTrialIds;
  const begun = [...trialsOf(record)].filter((trialId) => !state.begunTrialIds.has(trialId));
  const begunTrialIds = begun.length === 0 ? state.begunTrialIds : new Set([...state.begunTrialIds, ...begun]);
  return { seq: entry.seq, current: entry, closedTrialIds, begunTrialIds };
}

/** A closed trial that the record puts robots on; undefined when it names none. Closing twice names none. */
export const closedTrialOf = (state: AssignmentState, record: AssignmentRecord): string | undefined =>
  [...trialsOf(record)].find((trialId) => state.closedTrialIds.has(trialId));

export const foldAssignments = (entries: readonly LoggedAssignment[]): AssignmentState =>
  entries.reduce(applyAssignment, noAssignments);

/** What one robot should run now. */
export interface Order {
  /** Position of the record it comes from. */
  readonly seq: number;
  readonly version: string;
  readonly championVersion: string;
  readonly trialId: string | null;
  readonly urgency: Urgency;
  /** What remains of the lease behind it; null when it needs none. */
  readonly leaseRemainingMs: number | null;
}

/**
 * The order of each robot under a record. A version that is not the champion holds only while its trial's lease lives;
 * otherwise it is the champion, taken when idle: an outage is no proof of harm. `leaseEndMs` gives when the trial's lease
 * ends, undefined when there is none. Each call is a look-up.
 */
export function ordersOf(
  entry: LoggedAssignment,
  leaseEndMs: (trialId: string) => number | undefined,
): (robotId: string, nowMs: number) => Order {
  const { seq, record } = entry;
  const { championVersion } = record;
  const byRobot = new Map(
    record.overrides.flatMap((override) => override.robotIds.map((id) => [id, override] as const)),
  );
  return (robotId, nowMs) => {
    const override = byRobot.get(robotId);
    const { trialId, urgency } = override ?? record;
    const version = override?.version ?? record.defaultVersion;
    const unleased = { seq, version, championVersion, trialId, urgency, leaseRemainingMs: null };
    if (version === championVersion || trialId === null) return unleased;
    const leaseRemainingMs = (leaseEndMs(trialId) ?? Number.NEGATIVE_INFINITY) - nowMs;
    if (leaseRemainingMs > 0) return { ...unleased, leaseRemainingMs };
    return { ...unleased, version: championVersion, trialId: null, urgency: 'whenIdle' };
  };
}
