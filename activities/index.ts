import type { ChampionDesk } from '../fleet/desk/champion-desk.ts';
import { compactFacts } from './facts/compact-facts.ts';
import { mirrorRegistry } from './mirror/mirror-registry.ts';
import type { RunTracker } from './ports/run-tracker.ts';
import type { FactTables } from './facts/fact-tables.ts';
import { concludeCollection } from './collection/conclude-collection.ts';
import { evaluateCandidate, type EvaluateCandidatePorts } from './evaluation/evaluate-candidate.ts';
import { exportHeldoutSet } from './mix/export-heldout-set.ts';
import { ingestBatch } from './collection/ingest-batch.ts';
import type { Lake } from './lake/lake.ts';
import type { RobotStandings } from './collection/waiting.ts';
import type { SegmentJudge } from './collection/segment-judge.ts';

import { mixExperience } from './mix/mix-experience.ts';
import { parseInputWith, type TrialProfile } from './parse-workflow-input.ts';
import { planCollection } from './collection/plan-collection.ts';
import { planTraining } from './training/plan-training.ts';
import type { Clock } from '../store/clock.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { ClipPorts } from './ports/clip-decoder.ts';
import type { Progress } from './ports/progress.ts';
import type { SqlEngine } from './ports/sql.ts';
import { readDatasetVersion } from './lake/read-dataset-version.ts';
import { promoteWithoutTrial } from './registry/promote-without-trial.ts';
import { readPolicy } from './registry/read-policy.ts';
import { registerCandidate } from './registry/register-candidate.ts';
import { releaseQuarantinedSegment } from './collection/release-quarantined-segment.ts';
import type { Signer } from '../policies/signer.ts';
import { trainModel, type TrainModelPorts } from './training/train-model.ts';
import { endTrials, trainTrial } from './training/train-trial.ts';
import type { Fleet, TelemetryLog } from '../fleet/desk/index.ts';
import type { TrialSlot } from './ports/trial-slot.ts';
import { offerCandidate } from './trials/offer-candidate.ts';
import { beginErasure } from './erasure/begin-erasure.ts';
import { certifyErasure } from './erasure/certify-erasure.ts';
import { checkErased } from './erasure/check-erased.ts';
import { eraseFound } from './erasure/erase-found.ts';
import { findErased } from './erasure/find-erased.ts';
import { sweepStore } from './retention/sweep-store.ts';
import { writeReport } from './report/write-report.ts';
import { notifyIncidents } from './incidents/notify-incidents.ts';
import { fleetWatching, trialJudging } from './judging.ts';
import type { ObserveFleetPorts } from './monitor/observe-fleet.ts';
import { observeDrift } from './monitor/observe-drift.ts';
import { readCycleTurn, startRollback, triggerCycle } from './monitor/start-in-loop.ts';
import type { MailPort } from './ports/mailer.ts';
import type { Notifier } from './ports/notifier.ts';
import { endExposure } from './trials/end-exposure.ts';
import { quarantineRobot } from './trials/quarantine-robot.ts';
import { readConfirmations } from './trials/read-confirmations.ts';
import { planRollback, readTrialState } from './trials/read-fleet-state.ts';
import { recordApproval } from './trials/record-approval.ts';
import { recordTrialEnd } from './trials/record-trial-end.ts';
import { renewLease } from './trials/renew-lease.ts';
import { repairAliases } from './trials/repair-aliases.ts';
import { planReader } from './trials/stored-plan.ts';
import { writeExposure } from './trials/write-exposure.ts';

/** Everything the activities of all queues need; a worker of one queue passes what that queue uses. */
export interface StorePorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

export interface FleetPorts extends StorePorts {
  readonly signer: Signer;
  readonly desk: ChampionDesk;
  /** Names the build of the code, for manifests and reports. */
  readonly codeBuild: string;
  readonly fleet: Fleet;
  readonly telemetry: TelemetryLog;
  readonly slot: TrialSlot;
  /** For so long a rollback can be undone by who ordered it; default: half an hour. */
  readonly undoWithinMs?: number | undefined;
  /** Where the console's pages are, for links in reports. */
  readonly consoleUrl?: string | undefined;
}

export interface DataPorts extends StorePorts {
  readonly engine: SqlEngine;
  /** Reads what robots uploaded; see {@link IngestPorts}. */
  readonly judge?: SegmentJudge;
  /** Decodes clips of cameras. */
  readonly clips?: ClipPorts;
  readonly robotStandings?: RobotStandings;
  /** Which attempt of the running activity this is, from 1. */
  readonly attempt?: () => number;
  readonly lake: Lake;
  readonly facts: FactTables;
  readonly telemetry: TelemetryLog;
  readonly progress: Progress;
  readonly scratchDirectory: string;
  /** Undefined: runs and versions are mirrored nowhere. */
  readonly tracker?: RunTracker | undefined;
}

export type TrainingPorts = TrainModelPorts & EvaluateCandidatePorts;

export const inputActivities = (profile: TrialProfile) => ({ parseInput: parseInputWith(profile) });

export const fleetActivities = (ports: FleetPorts) => ({
  readPolicy: readPolicy(ports),
  registerCandidate: registerCandidate(ports),
  promoteWithoutTrial: promoteWithoutTrial(ports),
  writeReport: writeReport(ports),
  certifyErasure: certifyErasure(ports),
  ...trialActivities(ports),
});

function trialActivities(ports: FleetPorts) {
  const shared = { ...ports, readPlan: planReader(ports.store) };
  return {
    ...trialJudging(ports),
    writeExposure: writeExposure(shared),
    endExposure: endExposure(shared),
    renewLease: renewLease(shared),
    readTrialState: readTrialState(shared),
    planRollback: planRollback(shared),
    readConfirmations: readConfirmations(shared),
    repairAliases: repairAliases(shared),
    quarantineRobot: quarantineRobot(shared),
    recordApproval: recordApproval(shared),
    recordTrialEnd: recordTrialEnd(shared),
    offerCandidate: offerCandidate(shared),
  };
}

export interface MonitorPorts extends ObserveFleetPorts {
  /** Undefined: nobody asked to be told. */
  readonly notifier: Notifier | undefined;
  readonly mail?: MailPort | undefined;
}

/** On the queue `fleet`, beside {@link fleetActivities}. */
export const monitorActivities = (ports: MonitorPorts) => ({
  ...fleetWatching(ports),
  triggerCycle: triggerCycle(ports),
  startRollback: startRollback(ports),
  readCycleTurn: readCycleTurn(ports),
  notifyIncidents: notifyIncidents(ports),
});

export const dataActivities = (ports: DataPorts) => ({
  readDatasetVersion: readDatasetVersion(ports),
  planCollection: planCollection(ports),
  ingestBatch: ingestBatch(ports),
  concludeCollection: concludeCollection(ports),
  releaseQuarantinedSegment: releaseQuarantinedSegment(ports),
  mixExperience: mixExperience(ports),
  exportHeldoutSet: exportHeldoutSet(ports),
  observeDrift: observeDrift(ports),
  sweepStore: sweepStore(ports),
  compactFacts: compactFacts(ports),
  mirrorRegistry: mirrorRegistry(ports),
  beginErasure: beginErasure(ports),
  findErased: findErased(ports),
  eraseFound: eraseFound(ports),
  checkErased: checkErased(ports),
});

export const trainingActivities = (ports: TrainingPorts) => ({
  planTraining,
  trainModel: trainModel(ports),
  trainTrial: trainTrial(ports),
  endTrials: endTrials(ports),
  evaluateCandidate: evaluateCandidate(ports),
});

export type InputActivities = ReturnType<typeof inputActivities>;
export type FleetActivities = ReturnType<typeof fleetActivities>;
export type MonitorActivities = ReturnType<typeof monitorActivities>;
export type DataActivities = ReturnType<typeof dataActivities>;
export type TrainingActivities = ReturnType<typeof trainingActivities>;
