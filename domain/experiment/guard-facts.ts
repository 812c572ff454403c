import {
  bernoulliVariance,
  effectOfSums,
  foldBlocks,
  successSeries,
  type Block,
  type BlockSums,
  type Effect,
  type FleetParameters,
  type RobotEvidence,
  type Series,
} from '../statistics/index.ts';
import { latencyFacts, type LatencyFacts } from './latency.ts';
import type { RolloutLimits } from './limits.ts';
import { measureSilence, type Silence } from './silence.ts';
import { judgeThroughput, type Throughput } from './throughput.ts';

/** The last stage: the holdback is the treated side, all others the control. */
export const holdbackStage = 3;

/** What a guard tick is asked about. */
export interface GuardSituation {
  readonly parameters: FleetParameters;
  readonly stage: 0 | 1 | 2 | 3;
  readonly hoursInStage: number;
  readonly hoursTotal: number;
  /** Days since the first exposure. */
  readonly daysTreated: number;
}

/** What the blocks say before anything is decided; every effect is candidate minus champion. */
export interface GuardFacts {
  readonly success: Effect;
  readonly latency: LatencyFacts;
  readonly throughput: Throughput;
  readonly silence: Silence;
  /** Candidates with a safety event. */
  readonly safety: readonly string[];
  readonly candidateEpisodes: number;
  /** The same facts without one robot. */
  readonly without: (robotId: string) => GuardFacts;
}

const successes = { sum: (block: Block): number => block.successes, count: (block: Block): number => block.episodes };

/** Folds the robots' blocks into facts. Linear in the blocks; `without` folds anew. */
export function gatherFacts(
  robots: readonly RobotEvidence[],
  situation: GuardSituation,
  limits: RolloutLimits,
): GuardFacts {
  const series = guardSeries(robots, situation, limits);
  return factsOfSums(robots, series, foldBlocks(series, successes), situation, limits);
}

/** The robots as the success effect sees them in this situation. */
export const guardSeries = (
  robots: readonly RobotEvidence[],
  { parameters, stage, daysTreated }: GuardSituation,
  { blockMinutes }: RolloutLimits,
): Series[] =>
  successSeries({
    parameters,
    robots,
    daysTreated,
    blocksPerDay: 1440 / blockMinutes,
    holdbackAsTreated: stage === holdbackStage,
  });

/** Facts from sums already made; whoever keeps sums up to date block by block (a simulation) comes in here. */
export function factsOfSums(
  robots: readonly RobotEvidence[],
  series: readonly Series[],
  sums: BlockSums,
  situation: GuardSituation,
  limits: RolloutLimits,
): GuardFacts {
  const { parameters, stage, hoursInStage, hoursTotal } = situation;
  const holdbackAsTreated = stage === holdbackStage;
  const seen = effectOfSums(series, sums, parameters.phi * bernoulliVariance(parameters.mu));
  const latency = latencyFacts(robots, holdbackAsTreated);
  const lastBlocks = sums.robots.map(({ last }) => last);
  return {
    success: holdbackAsTreated ? turned(seen) : seen,
    latency: holdbackAsTreated && latency.effect ? { ...latency, effect: turned(latency.effect) } : latency,
    throughput: judgeThroughput({
      robots,
      sums,
      holdbackAsTreated,
      ratePhi: parameters.ratePhi,
      prior: limits.guard.throughputPrior,
    }),
    silence: measureSilence({ robots, lastBlocks, hoursInStage, hoursTotal, limits }),
    safety: robots.flatMap((robot) =>
      robot.arm === 'candidate' && (robot.safetyEvents ?? 0) > 0 ? [robot.robotId] : [],
    ),
    candidateEpisodes: holdbackAsTreated ? seen.controlEpisodes : seen.treatedEpisodes,
    without: (robotId) =>
      gatherFacts(
        robots.filter((robot) => robot.robotId !== robotId),
        situation,
        limits,
      ),
  };
}

/** Holdback minus candidates, read as candidates minus holdback. */
const turned = (effect: Effect): Effect => ({
  ...effect,
  delta: -effect.delta,
  perRobot: effect.perRobot.map((robot) => ({ ...robot, arm: 'control', residual: -robot.residual })),
});
