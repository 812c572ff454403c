import { defineQuery, defineUpdate } from '@temporalio/workflow';

import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import { messageNames } from '../../domain/contract/message-names.ts';

/** Ends a cycle early: what runs is stopped, the champion stays, a report is still written. */
export const abortUpdate = defineUpdate<string, [{ reason: string; who?: string }]>(messageNames.abort);

export const cycleStatusQuery = defineQuery<CycleStatus>(messageNames.status);
export const collectionStatusQuery = defineQuery<CollectionStatus>(messageNames.status);
export const trainingStatusQuery = defineQuery<TrainingStatus>(messageNames.status);
export const releaseStatusQuery = defineQuery<ReleaseStatus>(messageNames.status);

export interface CollectionStatus {
  readonly stage: 'planning' | 'ingesting' | 'concluding' | 'ended';
  readonly batches: number;
  readonly batchesDone: number;
  readonly episodesStored: number;
  readonly framesStored: number;
  readonly alreadyStored: number;
  readonly quarantinedEpisodes: number;
  readonly quarantinedSegments: number;
  /** How it ended, and why. */
  readonly verdict?: CollectionOutcome['verdict'];
  readonly reason?: string;
}

/** Of a search that stops bad trials early: the rung that trials are on the way to, one more than `rungs` for the last one's own end. */
export interface SearchStatus {
  readonly rung: number;
  readonly rungs: number;
  readonly trials: number;
}

export interface TrainingStatus {
  readonly stage: 'mixing' | 'training' | 'judging' | 'registering' | 'ended';
  readonly trainRows?: number;
  readonly search?: SearchStatus;
  readonly validationLoss?: number;
  readonly gates?: 'pass' | 'hold';
  /** Those that hold the candidate back. */
  readonly failedGates?: readonly string[];
  readonly candidateVersion?: string;
}

export interface ReleaseStatus {
  readonly stage: 'releasing' | 'ended';
}

/** `offered`: the trial slot has it; `promoted`: without a trial, as the first champion after the baseline. */
export type CycleOutcome =
  | 'promoted'
  | 'offered'
  | 'notOffered'
  | 'gatesHold'
  | 'badData'
  | 'nothingNew'
  | 'aborted'
  | 'failed';

export interface CycleStatus {
  readonly cycleId: string;
  readonly policy: string;
  readonly stage: 'starting' | 'collecting' | 'training' | 'offering' | 'reporting' | 'ended';
  readonly cause: string;
  readonly championVersion?: string;
  readonly collection?: CollectionOutcome;
  readonly training?: TrainPolicyResult;
  readonly outcome?: CycleOutcome;
  readonly reason?: string;
  readonly reportKey?: string;
}

export interface CollectionOutcome {
  readonly verdict: 'ok' | 'badData' | 'nothingNew';
  /** One sentence with value, limit and sample size. */
  readonly reason: string;
  readonly startedFrom: DatasetVersion;
  readonly datasetVersion: DatasetVersion;
  readonly episodesStored: number;
  readonly framesStored: number;
  readonly alreadyStored: number;
  readonly quarantinedEpisodes: number;
  readonly quarantinedSegments: number;
  readonly robotsLeftOut: readonly string[];
  readonly summaryKey: string;
}

export interface TrainPolicyResult {
  readonly outcome: 'registered' | 'gatesHold';
  readonly trainingSetDigest: string;
  readonly trainRows: number;
  readonly metricsKey: string;
  readonly evaluationKey: string;
  readonly modelSha256: string;
  readonly accuracyFraction: number | null;
  readonly failedGates: readonly string[];
  readonly candidateVersion?: string;
}

export interface CycleResult {
  readonly cycleId: string;
  readonly outcome: CycleOutcome;
  readonly reason: string;
  readonly candidateVersion?: string;
  readonly modelSha256?: string;
  readonly accuracyFraction?: number | null;
  readonly reportKey: string;
}
