// Long: the effect in its two forms, which share weights and variances.
import { foldBlocks, type BlockSums, type Fold } from './block-sums.ts';
import { baselineVariance, type FleetParameters } from './fleet-parameters.ts';
import type { Baseline } from './history.ts';
import type { RobotEvidence } from './robot-evidence.ts';

/** One robot as an effect weighs it. */
export interface Weighed {
  readonly robotId: string;
  readonly treated: boolean;
  /** Variance of one episode's value. */
  readonly withinVariance: number;
  /** Variance that more episodes do not remove. */
  readonly persistentVariance: number;
}

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
  /** Treated are the candidates (default), or the controls left as holdback. */
  readonly treatedArm?: 'candidate' | 'control';
  /** No robot weighs more than the median robot of its arm, however many episodes it claims. Default false. */
  readonly boundWeights?: boolean;
}

/** Success fractions of a fleet beyond these make one outcome weigh more than a normal approximation can bear. */
const [leastFraction, mostFraction] = [0.02, 0.98];

/**
 * The robot-level effect of a candidate (shared method, section 1): every robot against its own past (empirical-Bayes
 * baseline, the CUPED of Deng et al. 2013), treated against control in the same time block, robots weighted by the inverse
 * of their variance. Order of robots and splitting of a block do not matter. Linear in the blocks.
 */
export function estimateEffect(input: EffectInput): Effect {
  const fold = foldEvidence(input);
  const weighed = weighRobots(input, fold.spans);
  return input.form === 'twoArm'
    ? twoArmEffect(weighed, input, fold.success)
    : effectOfSums(
        weighed,
        fold.success,
        bernoulliVariance(input.parameters.mu) * input.parameters.phi,
        input.boundWeights,
      );
}

/** Folds the robots' blocks against their baselines. */
export function foldEvidence({ parameters, robots, treatedArm = 'candidate' }: EffectInput): Fold {
  return foldBlocks(
    robots.map(({ robotId, arm, baseline, blocks }) => ({
      robotId,
      treated: arm === treatedArm,
      base: robotBaseline(parameters, baseline).base,
      blocks,
    })),
  );
}

/** The variances of each robot's success; `spans` are the first and last blocks, in the order of the robots. */
export function weighRobots(input: EffectInput, spans: Fold['spans']): Weighed[] {
  const { parameters, robots, daysTreated, blocksPerDay, treatedArm = 'candidate' } = input;
  return robots.map(({ robotId, arm, baseline }, index) => {
    const { base, theta } = robotBaseline(parameters, baseline);
    const first = spans[index]?.first ?? -1;
    const start = blocksPerDay === undefined || first < 0 ? 0 : first / blocksPerDay;
    const days = Math.max(1, daysTreated - start);
    return {
      robotId,
      treated: arm === treatedArm,
      withinVariance: parameters.phi * bernoulliVariance(base),
      persistentVariance: parameters.betweenRobotVariance * (1 - theta) + parameters.dayVariance / days,
    };
  });
}

/** The empirical-Bayes baseline b of a robot and the share theta of its own past in it; theta 0 without a past. */
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
export function effectOfSums(
  robots: readonly Weighed[],
  sums: BlockSums,
  controlWithin: number,
  boundWeights = false,
): Effect {
  const least = boundWeights ? medianVariance(robots, sums) : 0;
  const perRobot: RobotResidual[] = [];
  let [weight, weighted, control, treatedRobots, controlRobots] = [0, 0, 0, 0, 0];
  for (const [index, robot] of robots.entries()) {
    const own = sums.robots[index];
    if (own === undefined) continue;
    const { robotId, treated, withinVariance, persistentVariance } = robot;
    if (treated) {
      const used = own.used > 0;
      const residual = used ? own.excess / own.used : 0;
      const variance = used ? Math.max(least, withinVariance / own.used + persistentVariance) : 1;
      perRobot.push({ robotId, arm: 'candidate', episodes: own.used, residual, variance });
      if (!used) continue;
      treatedRobots += 1;
      weight += 1 / variance;
      weighted += residual / variance;
    } else if (own.used > 0) {
      controlRobots += 1;
      const share = sums.usedTreated > 0 ? own.share / sums.usedTreated : 0;
      control += share * share * persistentVariance;
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

/** Taken as the least of every treated robot, so that none weighs more than the median one; the variance errs upwards. */
function medianVariance(robots: readonly Weighed[], sums: BlockSums): number {
  return medianOf(
    robots.flatMap(({ treated, withinVariance, persistentVariance }, index) => {
      const used = sums.robots[index]?.used ?? 0;
      return treated && used > 0 ? [withinVariance / used + persistentVariance] : [];
    }),
  );
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

function twoArmEffect(
  weighed: readonly Weighed[],
  { parameters, robots, boundWeights = false }: EffectInput,
  sums: BlockSums,
): Effect {
  const measured = weighed.map(({ robotId, treated, withinVariance, persistentVariance }, index): RobotResidual => {
    const { counted: episodes = 0, total = 0 } = sums.robots[index] ?? {};
    const { base } = robotBaseline(parameters, robots[index]?.baseline ?? { successes: 0, episodes: 0, days: 0 });
    return {
      robotId,
      arm: treated ? 'candidate' : 'control',
      episodes,
      residual: episodes > 0 ? total / episodes - base : 0,
      variance: episodes > 0 ? withinVariance / episodes + persistentVariance : 1,
    };
  });
  const medians = new Map(
    (['candidate', 'control'] as const).map((arm) => [
      arm,
      medianOf(measured.flatMap((robot) => (robot.arm === arm && robot.episodes > 0 ? [robot.variance] : []))),
    ]),
  );
  const leastOf = (arm: RobotResidual['arm']): number => medians.get(arm) ?? 0;
  const perRobot = boundWeights
    ? measured.map((robot) => ({ ...robot, variance: Math.max(robot.variance, leastOf(robot.arm)) }))
    : measured;
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
