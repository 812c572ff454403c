import type { Baseline } from './history.ts';
import type { TaskCounts, TaskRows } from './task-rows.ts';

/** What robots report of tasks their type does not have is counted under this name, and no task of its own. */
export const otherTask = '(other)';

/** What a robot did in one time block. Several entries of one block add up. An entry with episodes 0 = reported, none made; no entry = silent. */
export interface Block {
  /** Whole number ≥ 0; block 0 is the start of the rollout or test. 5 min wide in rollouts, 1 h in A/B tests. */
  readonly block: number;
  readonly successes: number;
  readonly episodes: number;
  readonly onlineMinutes?: number;
  readonly interventions?: number;
  /** Σ ln(latency) over the block's episodes, one value an episode. */
  readonly latencyLogSum?: number;
  /** Σ ln(latency)². */
  readonly latencyLogSquares?: number;
  readonly perTask?: Readonly<Record<string, TaskCounts>> | TaskRows;
}

/** Everything known of one robot in a trial, in its present arm. */
export interface RobotEvidence {
  readonly robotId: string;
  readonly arm: 'candidate' | 'control';
  /** The robot's own past on the champion's level; successes may be fractional. */
  readonly baseline: Baseline;
  /** Candidates: since their own exposure. Controls: since block 0. In any order. */
  readonly blocks: readonly Block[];
  readonly safetyEvents?: number;
  readonly lastReportAgeMs?: number;
  /** What it made in the blocks before this one is known; later ones may still come. Left out: every block counts as known. */
  readonly knownUntilBlock?: number;
  /** How long ago the newest thing it told of was, where it is waited for; on the scale of `lastReportAgeMs`. */
  readonly backlogAgeMs?: number;
  /** False: on the list of candidates, online, but not running the candidate yet. */
  readonly installed?: boolean;
  /**
   * It left the trial: quarantined, retired or moved away. What it did up to this block counts in its arm, and nothing of it after
   * that: neither what it does nor that it is silent. `presentFraction`: the share of the trial's time it was there, 0–1.
   */
  readonly left?: { readonly block: number; readonly presentFraction: number };
}
