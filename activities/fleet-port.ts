/** What activities need of the fleet, in their own words; `fleet/desk` is behind it. */
import type { DamagedObject, OnDamage } from '../store/damaged-objects.ts';

export interface FleetOverride {
  readonly version: string;
  readonly trialId: string;
  readonly urgency: Urgency;
  readonly robotIds: readonly string[];
}

export type Urgency = 'whenIdle' | 'safeStop';

/** What every robot should run, whole; `trialId` names the trial the default is on, null for the champion. */
export interface FleetSnapshot {
  readonly defaultVersion: string;
  readonly championVersion: string;
  readonly trialId: string | null;
  readonly urgency: Urgency;
  readonly overrides: readonly FleetOverride[];
}

interface Origin {
  readonly operationId: string;
  readonly who: string;
  readonly why: string;
  readonly atMs: number;
}

export type FleetAssignment =
  | ({ readonly kind: 'assign' } & FleetSnapshot & Origin)
  | ({ readonly kind: 'closeTrial'; readonly closedTrialId: string } & FleetSnapshot & Origin);

/** `conflict`: another record stands at this place · `refused`: the record names a trial that is closed. */
export type AssignmentOutcome =
  | { readonly kind: 'written'; readonly seq: number }
  | { readonly kind: 'conflict'; readonly existingSeq: number }
  | { readonly kind: 'refused'; readonly closedTrialId: string };

export interface AssignmentLogState {
  /** Position of the last record; -1 for an empty log. */
  readonly seq: number;
  readonly current: { readonly seq: number; readonly record: FleetAssignment } | undefined;
  readonly closedTrialIds: ReadonlySet<string>;
}

export interface RobotSight {
  readonly robotId: string;
  readonly site?: string;
  readonly stratum: string;
  readonly isQuarantined: boolean;
  /** `unknown`: no gateway was there long enough to tell. */
  readonly contact: 'online' | 'silent' | 'unknown';
  readonly lastSeenMs: number | null;
  readonly version: string | null;
  /** What it last said of its installations; null when it never did. */
  readonly lastInstall: {
    readonly receivedMs: number;
    readonly report: {
      readonly outcome: 'installed' | 'refused' | 'fellBack';
      readonly reason: string;
      readonly attempted: string | null;
    };
  } | null;
}

export interface FleetSight {
  readonly presence: 'known' | 'unknown';
  readonly robots: readonly RobotSight[];
  /** Objects that could not be read, and were passed over. */
  readonly damaged?: readonly DamagedObject[];
}

/** Where every robot stands towards its order; each robot in one list. */
export interface OrderConfirmations {
  readonly seq: number;
  readonly confirmed: readonly string[];
  readonly waiting: readonly string[];
  readonly failed: readonly { readonly robotId: string; readonly reason: string }[];
  readonly offline: readonly string[];
}

/** One batch of what a robot reported. Entries are told apart by (robot, boot, seq). */
export interface TelemetryBatch {
  readonly robotId: string;
  readonly bootId: string;
  readonly receivedMs: number;
  /** Robot clock minus gateway clock. */
  readonly clockSkewMs: number;
  readonly entries: readonly TelemetryReport[];
}

export type TelemetryReport = {
  readonly seq: number;
  readonly atMs: number;
  readonly policyVersion: string | null;
} & (
  | {
      readonly kind: 'episode';
      readonly task: string;
      readonly outcome: 'success' | 'failure' | 'aborted';
      readonly failureReason: string | null;
      readonly intervened: boolean;
      /** Frames in which an expert said otherwise. */
      readonly correctedFrames: number;
      readonly latencyP50Ms: number | null;
    }
  | { readonly kind: 'online'; readonly durationMs: number }
  | { readonly kind: 'safetyEvent' | 'dropped' }
);

/** The desk: the one writer of assignments, leases and robots, and what may be read of the fleet. */
export interface Fleet {
  /** Writes at the seq the caller decided on; never reads again and retries. */
  write(input: { policy: string; seq: number; record: FleetAssignment }): Promise<AssignmentOutcome>;
  /** `atMs` is when the caller decided, so a stalled attempt stretches nothing. */
  renewLease(input: {
    policy: string;
    trialId: string;
    atMs: number;
    leaseMs: number;
  }): Promise<{ readonly kind: 'renewed' | 'refused' }>;
  /**
   * Says by a fresh signature that what was ordered still holds. `unsealed`: it could not, and why; undefined where orders are not
   * signed.
   */
  refreshOrders(
    policy: string,
  ): Promise<{ readonly kind: 'sealed' | 'nothing' } | { readonly kind: 'unsealed'; readonly why: string } | undefined>;
  /** When the lease of a trial ends; undefined without one. */
  readLeaseEnd(policy: string, trialId: string): Promise<number | undefined>;
  readAssignments(policy: string): Promise<AssignmentLogState>;
  readFleet(policy: string): Promise<FleetSight>;
  readConfirmations(policy: string): Promise<OrderConfirmations | undefined>;
  quarantineRobot(input: { robotId: string; who: string; why: string }): Promise<void>;
}

/** Telemetry as gateways stored it, in objects by the hour of receipt. */
export interface TelemetryLog {
  /** Keys of the objects that may hold batches received in `[startMs, endMs)`, hour by hour. */
  keys(policy: string, startMs: number, endMs: number): AsyncIterable<string>;
  /** The batches that can be read; `onDamage` is told of an object, or a line of it, that cannot. */
  read(key: string, onDamage: OnDamage): Promise<readonly TelemetryBatch[]>;
}

/** Every trial a snapshot puts robots on. */
export const trialsIn = ({ trialId, overrides }: Pick<FleetSnapshot, 'trialId' | 'overrides'>): readonly string[] => [
  ...new Set([...overrides.map((override) => override.trialId), ...(trialId === null ? [] : [trialId])]),
];
