import type { Block } from './robot-evidence.ts';

/** One robot as the effect sees it: what to expect of it, and what it did. */
export interface Series {
  readonly robotId: string;
  readonly treated: boolean;
  /** Expected value per episode. */
  readonly base: number;
  /** Variance of one episode's value. */
  readonly withinVariance: number;
  /** Variance that more episodes do not remove. */
  readonly persistentVariance: number;
  readonly blocks: readonly Block[];
}

/** Which number of a block is judged: its sum over the block's episodes, and over how many of them. */
export interface Measure {
  readonly sum: (block: Block) => number;
  readonly count: (block: Block) => number;
}

/** Sums of one robot. */
export interface RobotSums {
  /** First and last block with an entry, -1 without any. */
  first: number;
  last: number;
  /** All episodes. */
  counted: number;
  /** Episodes in blocks where both arms have some (treated robots), or all (control). */
  used: number;
  /** Treated: Σ_h (x - n·b - n·s_h). */
  excess: number;
  /** Control: Σ_h n·nT_h/nC_h, its weight in what the treated are compared with. */
  share: number;
}

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

/** A year of five-minute blocks: an index beyond it is a mistake of units. */
const mostBlocks = 110_000;

/**
 * Folds the blocks of all robots into sums: what the control arm did better than expected in each block is taken off the
 * treated robots in that block, so common shocks cancel. A block with treated but no control episodes is left out and
 * counted. Two passes over the blocks, memory per block index only.
 */
export function foldBlocks(series: readonly Series[], measure: Measure): BlockSums {
  const size = blockRange(series);
  const treatedCounts = new Float64Array(size);
  const controlCounts = new Float64Array(size);
  const controlExcess = new Float64Array(size);
  const robots = series.map((robot) => firstPass(robot, measure, treatedCounts, controlCounts, controlExcess));
  const sums = {
    robots,
    treatedCounts,
    controlCounts,
    squares: 0,
    usedTreated: 0,
    controlEpisodes: 0,
    droppedBlocks: 0,
  };
  for (let block = 0; block < size; block += 1) {
    const [treated, control] = [treatedCounts[block] ?? 0, controlCounts[block] ?? 0];
    sums.controlEpisodes += control;
    if (control > 0) {
      sums.usedTreated += treated;
      sums.squares += (treated * treated) / control;
      controlExcess[block] = (controlExcess[block] ?? 0) / control;
    } else if (treated > 0) sums.droppedBlocks += 1;
  }
  for (const [index, robot] of series.entries()) {
    const own = robots[index];
    if (own) secondPass(robot, measure, own, treatedCounts, controlCounts, controlExcess);
  }
  return sums;
}

function blockRange(series: readonly Series[]): number {
  let size = 0;
  for (const { robotId, blocks } of series) {
    for (const entry of blocks) {
      if (!(Number.isInteger(entry.block) && entry.block >= 0 && entry.block < mostBlocks)) {
        throw new RangeError(
          `expected block to be a whole number in [0, ${mostBlocks}), got ${entry.block} [robot=${robotId}]`,
        );
      }
      if (!(entry.episodes >= 0)) {
        throw new RangeError(`expected episodes ≥ 0, got ${entry.episodes} [robot=${robotId}, block=${entry.block}]`);
      }
      if (entry.block >= size) size = entry.block + 1;
    }
  }
  return size;
}

function firstPass(
  robot: Series,
  measure: Measure,
  treatedCounts: Float64Array,
  controlCounts: Float64Array,
  controlExcess: Float64Array,
): RobotSums {
  const own = { first: -1, last: -1, counted: 0, used: 0, excess: 0, share: 0 };
  const counts = robot.treated ? treatedCounts : controlCounts;
  for (const entry of robot.blocks) {
    const { block } = entry;
    const n = measure.count(entry);
    if (own.first < 0 || block < own.first) own.first = block;
    if (block > own.last) own.last = block;
    own.counted += n;
    counts[block] = (counts[block] ?? 0) + n;
    if (!robot.treated) controlExcess[block] = (controlExcess[block] ?? 0) + measure.sum(entry) - n * robot.base;
  }
  return own;
}

/** `controlExcess` holds means per episode by now. */
function secondPass(
  robot: Series,
  measure: Measure,
  own: RobotSums,
  treatedCounts: Float64Array,
  controlCounts: Float64Array,
  controlExcess: Float64Array,
): void {
  for (const entry of robot.blocks) {
    const { block } = entry;
    const control = controlCounts[block] ?? 0;
    if (control <= 0) continue;
    const n = measure.count(entry);
    own.used += n;
    if (robot.treated) own.excess += measure.sum(entry) - n * (robot.base + (controlExcess[block] ?? 0));
    else own.share += (n * (treatedCounts[block] ?? 0)) / control;
  }
}
