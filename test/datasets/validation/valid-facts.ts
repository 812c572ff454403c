import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import type { EpisodeFacts } from '../../../datasets/validation/episode-facts.ts';
import type { FrameFacts } from '../../../datasets/validation/frame-facts.ts';
import type { LandedSegmentFacts } from '../../../datasets/validation/segment-rules.ts';

export const type = scitosG5Type;
const sha256 = 'a'.repeat(64);
export const receivedMs = Date.parse('2026-01-05T12:00:00Z');
const startedUs = (receivedMs - 3_600_000) * 1000;

/** A segment that keeps every rule. */
export const validSegment: LandedSegmentFacts = {
  key: `landing/robot-001/${sha256}.parquet`,
  landingRobotId: 'robot-001',
  otherSha256: undefined,
  readError: undefined,
  pageProblem: undefined,
  longText: undefined,
  refusedEpisodes: undefined,
  form: 'parquet',
  sizeBytes: 60_000,
  rows: 840,
  mostValues: 840 * 24,
  footer: {
    schemaVersion: 1,
    robotId: 'robot-001',
    robotType: 'scitos-g5@1',
    robotTypeDigest: robotTypeDigest(type),
    agentVersion: '1.0.0',
    clockSkewMs: 0,
  },
  columnProblems: [],
  absentColumns: [],
};

export const validFrames: FrameFacts = {
  count: 45,
  missingValue: undefined,
  duplicateIndex: undefined,
  indexOutOfOrder: undefined,
  missingIndex: undefined,
  timeNotLater: undefined,
  largestGapUs: 111_112,
  largestGapRow: 1,
  firstUs: startedUs,
  lastUs: startedUs + 44 * 111_111,
  wrongObservationSize: undefined,
  nonFinite: undefined,
  outOfRange: undefined,
  constantObservations: [],
  wrongAction: undefined,
  wrongExpertAction: undefined,
  correctionWithoutExpert: undefined,
};

/** An episode that keeps every rule. */
export const validEpisode: EpisodeFacts = {
  episode: {
    episode_id: '01KE6J5R00ABCDEFGHJKMNPQRS',
    robot_id: 'robot-001',
    robot_type: 'scitos-g5',
    robot_type_version: 1,
    site: 'site-1',
    task: 'wall-following',
    policy_version: '1.2.3',
    started_at: startedUs,
    duration_ms: 5000,
    outcome: 'success',
    failure_reason: null,
    intervened: false,
    latency_p50_ms: 2,
    latency_p95_ms: 4,
    frame_count: 45,
    media: null,
  },
  frames: validFrames,
  rows: 45,
  spannedRows: 45,
  isContradictory: false,
  landingRobotId: 'robot-001',
  clockSkewMs: 0,
  receivedMs,
};
