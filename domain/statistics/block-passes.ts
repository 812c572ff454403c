import type { Block } from './robot-evidence.ts';

/** A year of five-minute blocks: an index beyond it is a mistake of units. */
const mostBlocks = 110_000;

/** One robot to be folded: its side, what to expect of one of its episodes, and what it did. */
export interface Foldable {
  readonly robotId: string;
  readonly treated: boolean;
  readonly base: number;
  readonly blocks: readonly Block[];
}

/** Sums of one robot in one metric. */
export interface RobotSums {
  /** All episodes, and the sum of their values. */
  counted: number;
  total: number;
  /** Sum of squared values; 0 where values are successes. */
  totalSquares: number;
  /** Episodes in blocks where the control arm has some. */
  used: number;
  /** Treated: Σ_h (x - n·b - n·s_h). */
  excess: number;
  /** Control: Σ_h n·nT_h/nC_h, its weight in what the treated are compared with. */
  share: number;
}

/** Per block: counts of both arms, and the control arm's excess, later its mean per episode. */
export interface Channel {
  treated: Float64Array;
  control: Float64Array;
  excess: Float64Array;
}

/** When a robot reported, and whether it reports latency. */
export interface Span {
  readonly first: number;
  readonly last: number;
  readonly hasLatency: boolean;
}

/** No counts for blocks below `size`. */
export const emptyChannel = (size: number): Channel => ({
  treated: new Float64Array(size),
  control: new Float64Array(size),
  excess: new Float64Array(size),
});

/** First pass over success. Locals rather than fields inside the loop: it runs a million times a tick. */
export function countSuccesses(robot: Foldable, channel: Channel, own: RobotSums): Span {
  const { treated, base, blocks } = robot;
  let { excess } = channel;
  let counts = treated ? channel.treated : channel.control;
  let first = -1;
  let last = -1;
  let counted = 0;
  let total = 0;
  let hasLatency = false;
  for (const entry of blocks) {
    const { block, episodes, successes } = entry;
    if (!(block >= 0 && block < mostBlocks && Number.isInteger(block))) refuse(robot, entry);
    if (!(episodes >= 0 && Number.isFinite(successes))) refuse(robot, entry);
    if (first < 0 || block < first) first = block;
    if (block > last) last = block;
    if (block >= counts.length) {
      grow(channel, block);
      ({ excess } = channel);
      counts = treated ? channel.treated : channel.control;
    }
    counted += episodes;
    total += successes;
    counts[block] = (counts[block] ?? 0) + episodes;
    if (!treated) excess[block] = (excess[block] ?? 0) + successes - episodes * base;
    if (entry.latencyLogSum !== undefined) hasLatency = true;
  }
  own.counted = counted;
  own.total = total;
  return { first, last, hasLatency };
}

/** First pass over log latency, turned round so that slower is lower; indices are known to be good by now. */
export function countLatencies({ treated, blocks }: Foldable, channel: Channel, own: RobotSums): void {
  const { excess } = channel;
  const counts = treated ? channel.treated : channel.control;
  let counted = 0;
  let total = 0;
  let totalSquares = 0;
  for (const { block, episodes, latencyLogSum, latencyLogSquares } of blocks) {
    if (latencyLogSum === undefined) continue;
    counted += episodes;
    total -= latencyLogSum;
    totalSquares += latencyLogSquares ?? 0;
    counts[block] = (counts[block] ?? 0) + episodes;
    if (!treated) excess[block] = (excess[block] ?? 0) - latencyLogSum;
  }
  own.counted = counted;
  own.total = total;
  own.totalSquares = totalSquares;
}

function refuse({ robotId }: Foldable, { block, episodes, successes }: Block): never {
  const expected = `expected block to be a whole number in [0, ${mostBlocks}) and successes of episodes ≥ 0`;
  throw new RangeError(`${expected}, got ${successes} of ${episodes} [robot=${robotId}, block=${block}]`);
}

function grow(channel: Channel, block: number): void {
  const size = Math.max(2 * channel.treated.length, block + 1);
  for (const name of ['treated', 'control', 'excess'] as const) {
    const larger = new Float64Array(size);
    larger.set(channel[name]);
    channel[name] = larger;
  }
}

/** Whether a block reports latency. */
export const hasLatency = (entry: Block): boolean => entry.latencyLogSum !== undefined;

/** Second pass over a treated robot: its episodes in blocks with control episodes, and what control did above its baseline in them. */
export function expectedOf(
  blocks: readonly Block[],
  control: Float64Array,
  shift: Float64Array,
  counts: (entry: Block) => boolean,
): { used: number; expected: number } {
  let used = 0;
  let expected = 0;
  for (const entry of blocks) {
    const { block, episodes } = entry;
    if ((control[block] ?? 0) <= 0 || !counts(entry)) continue;
    used += episodes;
    expected += episodes * (shift[block] ?? 0);
  }
  return { used, expected };
}

/** Second pass over a control robot: its weight in what the treated are compared with. */
export function shareOf(
  blocks: readonly Block[],
  control: Float64Array,
  treated: Float64Array,
  counts: (entry: Block) => boolean,
): number {
  let share = 0;
  for (const entry of blocks) {
    const { block, episodes } = entry;
    const compared = control[block] ?? 0;
    if (compared > 0 && counts(entry)) share += (episodes * (treated[block] ?? 0)) / compared;
  }
  return share;
}

/** Sum of values in blocks without control episodes. */
export const droppedSuccesses = (blocks: readonly Block[], control: Float64Array): number =>
  blocks.reduce((sum, { block, successes }) => ((control[block] ?? 0) > 0 ? sum : sum + successes), 0);

/** The same of log latency, turned round. */
export const droppedLatencies = (blocks: readonly Block[], control: Float64Array): number =>
  blocks.reduce((sum, { block, latencyLogSum = 0 }) => ((control[block] ?? 0) > 0 ? sum : sum - latencyLogSum), 0);
