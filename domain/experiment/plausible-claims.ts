import { dictionary } from '../dictionary.ts';
import { TaskRows, type Block, type RobotEvidence } from '../statistics/index.ts';

/** A robot that claims more episodes than it can have made. */
export interface ExcessiveClaim {
  readonly robotId: string;
  readonly arm: RobotEvidence['arm'];
  readonly episodes: number;
  /** What its time and the others' allow. */
  readonly allowed: number;
}

/** Robots whose episodes are as many as they can be. */
export interface PlausibleClaims {
  readonly robots: readonly RobotEvidence[];
  readonly excessive: readonly ExcessiveClaim[];
}

/** A robot may make this many times what the others' median, or its own past, allows, and a few more. */
const tolerance = 2;
const slackEpisodes = 30;
/** Its own past counts up to so many times the median robot's: it is what the robot said of itself. */
const mostPast = 4;
/** Online time is told in pieces: so much more of it may be to come. */
const onlineTolerance = 1.5;
/** Fewer robots have no median worth the name. */
const leastRobots = 3;

/**
 * Bounds what each robot claims by its time and the median of the robots: at most twice the larger of the median rate and its own
 * past rate (as far as the fleet keeps its past rates), times the blocks since its exposure or its online time if it tells that.
 * Claims beyond are scaled down evenly, so that no robot outweighs the others by saying more. Robots within bounds are untouched.
 */
export function boundClaims(robots: readonly RobotEvidence[], blockMinutes: number): PlausibleClaims {
  const claims = robots.map((robot) => claimOf(robot, blockMinutes));
  const now = claims.reduce((last, { lastBlock }) => Math.max(last, lastBlock), 0);
  const rates = claims.map(({ episodes, firstBlock }) => (firstBlock < 0 ? 0 : episodes / (now - firstBlock + 1)));
  const active = rates.filter((rate) => rate > 0);
  if (active.length < leastRobots) return { robots, excessive: [] };
  const medianRate = medianOf(active);
  const pasts = robots.map(({ baseline }) => baseline.episodes / Math.max(1, baseline.days));
  const medianPast = medianOf(pasts.filter((past) => past > 0));
  const keeping = medianOf(rates.flatMap((rate, index) => ratioOf(rate, pasts[index] ?? 0)));
  const excessive: ExcessiveClaim[] = [];
  const bounded = robots.map((robot, index) => {
    const { episodes, firstBlock, onlineBlocks } = claims[index] ?? noClaim;
    const past = Math.min(pasts[index] ?? 0, mostPast * medianPast) * keeping;
    const blocks = Math.min(now - firstBlock + 1, onlineBlocks);
    const allowed = slackEpisodes + tolerance * blocks * Math.max(medianRate, past);
    if (episodes <= allowed) return robot;
    excessive.push({ robotId: robot.robotId, arm: robot.arm, episodes, allowed });
    return { ...robot, blocks: robot.blocks.map((block) => scaled(block, allowed / episodes)) };
  });
  return { robots: excessive.length === 0 ? robots : bounded, excessive };
}

interface Claim {
  readonly episodes: number;
  readonly firstBlock: number;
  readonly lastBlock: number;
  readonly onlineBlocks: number;
}

const noClaim: Claim = { episodes: 0, firstBlock: -1, lastBlock: -1, onlineBlocks: 0 };

function claimOf({ blocks }: RobotEvidence, blockMinutes: number): Claim {
  let [episodes, firstBlock, lastBlock, onlineMinutes] = [0, -1, -1, 0];
  for (const { block, episodes: n, onlineMinutes: online = 0 } of blocks) {
    episodes += n;
    onlineMinutes += online;
    if (firstBlock < 0 || block < firstBlock) firstBlock = block;
    if (block > lastBlock) lastBlock = block;
  }
  // A robot that tells no online time may have been there always.
  const onlineBlocks = onlineMinutes > 0 ? (onlineTolerance * onlineMinutes) / blockMinutes : Number.POSITIVE_INFINITY;
  return { episodes, firstBlock, lastBlock, onlineBlocks };
}

const ratioOf = (rate: number, past: number): number[] => (past > 0 && rate > 0 ? [rate / past] : []);

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Spelled out: a liar of a week has thousands of blocks. */
function scaled(block: Block, factor: number): Block {
  const { perTask, latencyLogSum, latencyLogSquares } = block;
  return {
    block: block.block,
    successes: block.successes * factor,
    episodes: block.episodes * factor,
    ...(block.onlineMinutes === undefined ? {} : { onlineMinutes: block.onlineMinutes }),
    ...(block.interventions === undefined ? {} : { interventions: block.interventions * factor }),
    ...(latencyLogSum === undefined ? {} : { latencyLogSum: latencyLogSum * factor }),
    ...(latencyLogSquares === undefined ? {} : { latencyLogSquares: latencyLogSquares * factor }),
    ...(perTask === undefined ? {} : { perTask: scaledTasks(perTask, factor) }),
  };
}

const scaledTasks = (perTask: NonNullable<Block['perTask']>, factor: number): NonNullable<Block['perTask']> =>
  perTask instanceof TaskRows
    ? perTask.times(factor)
    : dictionary(
        Object.entries(perTask).map(
          ([task, { successes, episodes }]) =>
            [task, { successes: successes * factor, episodes: episodes * factor }] as const,
        ),
      );

/** For people. */
export const claimSentence = ({ robotId, episodes, allowed }: ExcessiveClaim): string =>
  `${robotId} claims ${Math.round(episodes)} episodes, ${Math.round(allowed)} count`;
