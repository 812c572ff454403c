import {
  countLatencies,
  countSuccesses,
  droppedLatencies,
  droppedSuccesses,
  emptyChannel,
  expectedOf,
  hasLatency,
  shareOf,
  type Channel,
  type Foldable,
  type RobotSums,
} from './block-passes.ts';
import type { Block } from './robot-evidence.ts';

/** Everything an effect is computed from. Late outcomes change their own block only; order and splitting do not matter. */
export interface BlockSums {
  readonly robots: readonly RobotSums[];
  /** Episodes per block of either arm. */
  readonly treatedCounts: Float64Array;
  readonly controlCounts: Float64Array;
  /** Σ_h nT_h²/nC_h over the blocks used. */
  squares: number;
  usedTreated: number;
  controlEpisodes: number;
  droppedBlocks: number;
}

/** The sums of success, and of log latency if any block has it (turned round: negative = slower); first and last block of each robot, -1 without any. */
export interface Fold {
  readonly success: BlockSums;
  readonly latency: BlockSums | null;
  readonly spans: readonly { readonly first: number; readonly last: number }[];
}

/**
 * Folds the blocks of all robots into sums: what the control arm did better than expected in each block is taken off the
 * treated robots in that block, so common shocks cancel. A block with treated but no control episodes is left out and
 * counted. Two passes over the blocks (four with latency) and no copy of them: memory per block index only. Throws on counts
 * that make no sense.
 */
export function foldBlocks(robots: readonly Foldable[]): Fold {
  const success = emptyChannel(512);
  const successRobots = robots.map(emptySums);
  const spans = robots.map((robot, index) => countSuccesses(robot, success, successRobots[index] ?? emptySums()));
  const size = spans.reduce((most, { last }) => Math.max(most, last + 1), 0);
  const successSums = finished(
    robots,
    success,
    successRobots,
    size,
    ({ base }) => base,
    () => true,
    droppedSuccesses,
  );
  if (!spans.some(({ hasLatency }) => hasLatency)) return { success: successSums, latency: null, spans };
  const latency = emptyChannel(size);
  const latencyRobots = robots.map(emptySums);
  for (const [index, robot] of robots.entries()) countLatencies(robot, latency, latencyRobots[index] ?? emptySums());
  const slow = finished(robots, latency, latencyRobots, size, () => 0, hasLatency, droppedLatencies);
  return { success: successSums, latency: slow, spans };
}

/** Sums of a robot without blocks. */
export const emptySums = (): RobotSums => ({ counted: 0, total: 0, totalSquares: 0, used: 0, excess: 0, share: 0 });

/** Means of the control arm per block, then the second pass, which needs the counts only. */
function finished(
  robots: readonly Foldable[],
  { treated, control, excess }: Channel,
  own: readonly RobotSums[],
  size: number,
  baseOf: (robot: Foldable) => number,
  counts: (entry: Block) => boolean,
  dropped: (blocks: readonly Block[], control: Float64Array) => number,
): BlockSums {
  const totals = { squares: 0, usedTreated: 0, controlEpisodes: 0, droppedBlocks: 0 };
  for (let block = 0; block < size; block += 1) {
    const nT = treated[block] ?? 0;
    const nC = control[block] ?? 0;
    totals.controlEpisodes += nC;
    if (nC > 0) {
      totals.usedTreated += nT;
      totals.squares += (nT * nT) / nC;
      excess[block] = (excess[block] ?? 0) / nC;
    } else if (nT > 0) totals.droppedBlocks += 1;
  }
  for (const [index, robot] of robots.entries()) {
    const sums = own[index];
    if (sums === undefined || sums.counted === 0) continue;
    if (robot.treated) {
      const { used, expected } = expectedOf(robot.blocks, control, excess, counts);
      const left = totals.droppedBlocks > 0 ? dropped(robot.blocks, control) : 0;
      sums.used = used;
      sums.excess = sums.total - left - expected - used * baseOf(robot);
    } else {
      sums.used = sums.counted;
      sums.share = shareOf(robot.blocks, control, treated, counts);
    }
  }
  return {
    robots: own,
    treatedCounts: treated.subarray(0, size),
    controlCounts: control.subarray(0, size),
    ...totals,
  };
}
