import { foldBlocks, type BlockSums, type Series } from './block-sums.ts';
import { baselineVariance, type FleetParameters } from './fleet-parameters.ts';
import type { Baseline } from './history.ts';
import type { RobotEvidence } from './robot-evidence.ts';

/** One robot's part in an effect. */
export interface RobotResidual {
  readonly robotId: string;
  readonly arm: 'candidate' | 'control';
  readonly episodes: number;
  /** Mean value per episode above what was expected of this robot at these times. */
  readonly residual: number;
  /** Its variance u, 1 for a robot without episodes. */
  readonly variance: number;
}

/** Candidate minus champion, with the robots and episodes it rests on. Without episodes on a side: delta 0, variance 1. */
export interface Effect {
  readonly delta: number;
  readonly variance: number;
  readonly treatedRobots: number;
  readonly controlRobots: number;
  readonly treatedEpisodes: number;
  readonly controlEpisodes: number;
  /** Blocks with treated but no control episodes: left out. */
  readonly droppedBlocks: number;
  /** Treated robots in block form, all robots in two-arm form. */
  readonly perRobot: readonly RobotResidual[];
}

/** What is asked of {@link estimateEffect}. */
export interface EffectInput {
  readonly parameters: FleetParameters;
  readonly robots: readonly RobotEvidence[];
  /** Days since the first exposure; a robot exposed later gets fewer if `blocksPerDay` is given. */
  readonly daysTreated: number;
  readonly blocksPerDay?: number;
  /** `blocks` (default) compares in each time block; `twoArm` is for arms exposed alike over the whole time. */
  readonly form?: 'blocks' | 'twoArm';
}

/** Success fractions of a fleet beyond these make one outcome weigh more than a normal approximation can bear. */
const [leastFraction, mostFraction] = [0.02, 0.98];

const successes = {
  sum: (block: { successes: number }) => block.successes,
  count: (block: { episodes: number }) => block.episodes,
};

/**
 * The robot-level effect of a candidate (shared method, section 1): every robot against its own past (empirical-Bayes
 * baseline, the CUPED of Deng et al. 2013), treated against control in the same time block, robots weighted by the inverse
 * of their variance. Order of robots and splitting of a block do not matter. Linear in the blocks.
 */
export function estimateEffect(input: EffectInput): Effect {
  const series = successSeries(input);
  const sums = foldBlocks(series, successes);
  return input.form === 'twoArm'
    ? twoArmEffect(series)
    : effectOfSums(series, sums, bernoulliVariance(input.parameters.mu) * input.parameters.phi);
}

/** What to expect of each robot; the treated side is the candidates unless `holdbackAsTreated`. */
export function successSeries(input: EffectInput & { readonly holdbackAsTreated?: boolean }): Series[] {
  const { parameters, robots, daysTreated, blocksPerDay, holdbackAsTreated = false } = input;
  return robots.map(({ robotId, arm, baseline, blocks }) => {
    const { base, theta } = robotBaseline(parameters, baseline);
    const start = blocksPerDay === undefined || blocks.length === 0 ? 0 : earliest(blocks) / blocksPerDay;
    const days = Math.max(1, daysTreated - start);
    return {
      robotId,
      treated: (arm === 'candidate') !== holdbackAsTreated,
      base,
      withinVariance: parameters.phi * bernoulliVariance(base),
      persistentVariance: parameters.betweenRobotVariance * (1 - theta) + parameters.dayVariance / days,
      blocks,
    };
  });
}

/**
 * The empirical-Bayes baseline b of a robot and the share theta of its own past in it; theta 0 without a past.
 */
export function robotBaseline(parameters: FleetParameters, baseline: Baseline): { base: number; theta: number } {
  const { mu, betweenRobotVariance } = parameters;
  if (!(baseline.episodes > 0)) return { base: mu, theta: 0 };
  const theta = betweenRobotVariance / (betweenRobotVariance + baselineVariance(baseline, parameters));
  return { base: mu + theta * (baseline.successes / baseline.episodes - mu), theta };
}

/** p(1-p), with p kept away from 0 and 1. */
export function bernoulliVariance(p: number): number {
  const kept = Math.min(mostFraction, Math.max(leastFraction, p));
  return kept * (1 - kept);
}

/** The effect in block form; `controlWithin` is the variance of one control episode. */
export function effectOfSums(series: readonly Series[], sums: BlockSums, controlWithin: number): Effect {
  const perRobot: RobotResidual[] = [];
  let [weight, weighted, control, treatedRobots, controlRobots] = [0, 0, 0, 0, 0];
  for (const [index, robot] of series.entries()) {
    const own = sums.robots[index];
    if (own === undefined) continue;
    if (robot.treated) {
      const used = own.used > 0;
      const residual = used ? own.excess / own.used : 0;
      const variance = used ? robot.withinVariance / own.used + robot.persistentVariance : 1;
      perRobot.push({ robotId: robot.robotId, arm: 'candidate', episodes: own.used, residual, variance });
      if (!used) continue;
      treatedRobots += 1;
      weight += 1 / variance;
      weighted += residual / variance;
    } else if (own.used > 0) {
      controlRobots += 1;
      const share = sums.usedTreated > 0 ? own.share / sums.usedTreated : 0;
      control += share * share * robot.persistentVariance;
    }
  }
  const known = weight > 0;
  return {
    delta: known ? weighted / weight : 0,
    variance: known ? 1 / weight + (controlWithin * sums.squares) / sums.usedTreated ** 2 + control : 1,
    treatedRobots,
    controlRobots,
    treatedEpisodes: sums.usedTreated,
    controlEpisodes: sums.controlEpisodes,
    droppedBlocks: sums.droppedBlocks,
    perRobot,
  };
}

function twoArmEffect(series: readonly Series[]): Effect {
  const perRobot = series.map((robot): RobotResidual => {
    const episodes = robot.blocks.reduce((sum, block) => sum + block.episodes, 0);
    const won = robot.blocks.reduce((sum, block) => sum + block.successes, 0);
    return {
      robotId: robot.robotId,
      arm: robot.treated ? 'candidate' : 'control',
      episodes,
      residual: episodes > 0 ? won / episodes - robot.base : 0,
      variance: episodes > 0 ? robot.withinVariance / episodes + robot.persistentVariance : 1,
    };
  });
  const [treated, control] = [weightedMean(perRobot, 'candidate'), weightedMean(perRobot, 'control')];
  const known = treated.robots > 0 && control.robots > 0;
  return {
    delta: known ? treated.mean - control.mean : 0,
    variance: known ? treated.variance + control.variance : 1,
    treatedRobots: treated.robots,
    controlRobots: control.robots,
    treatedEpisodes: treated.episodes,
    controlEpisodes: control.episodes,
    droppedBlocks: 0,
    perRobot,
  };
}

function weightedMean(perRobot: readonly RobotResidual[], arm: RobotResidual['arm']) {
  const robots = perRobot.filter((robot) => robot.arm === arm && robot.episodes > 0);
  const weight = robots.reduce((sum, { variance }) => sum + 1 / variance, 0);
  const weighted = robots.reduce((sum, { residual, variance }) => sum + residual / variance, 0);
  return {
    mean: weight > 0 ? weighted / weight : 0,
    variance: weight > 0 ? 1 / weight : 1,
    robots: robots.length,
    episodes: robots.reduce((sum, { episodes }) => sum + episodes, 0),
  };
}

const earliest = (blocks: RobotEvidence['blocks']): number =>
  blocks.reduce((first, { block }) => Math.min(first, block), Infinity);
