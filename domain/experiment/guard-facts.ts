import {
  bernoulliVariance,
  effectOfSums,
  foldEvidence,
  weighRobots,
  type Effect,
  type FleetParameters,
  type Fold,
  type RobotEvidence,
} from '../statistics/index.ts';
import { latencyFacts, type LatencyFacts } from './latency.ts';
import type { RolloutLimits } from './limits.ts';
import { measureSilence, type Silence } from './silence.ts';
import { judgeThroughput, type Throughput } from './throughput.ts';

/** What a guard tick is asked about. */
export interface GuardSituation {
  readonly parameters: FleetParameters;
  /** In stage 3 the holdback is the treated side, the candidates are the control. */
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

/** Folds the robots' blocks into facts. Linear in the blocks; `without` folds anew. */
export function gatherFacts(
  robots: readonly RobotEvidence[],
  situation: GuardSituation,
  limits: RolloutLimits,
): GuardFacts {
  return factsOfFold(robots, foldEvidence(effectInput(robots, situation, limits)), situation, limits);
}

/** Facts from a fold already made; whoever keeps one up to date block by block (a simulation) comes in here. */
export function factsOfFold(
  robots: readonly RobotEvidence[],
  { success, latency, spans }: Fold,
  situation: GuardSituation,
  limits: RolloutLimits,
): GuardFacts {
  const { parameters, stage, hoursInStage, hoursTotal } = situation;
  const input = effectInput(robots, situation, limits);
  const holdback = stage === 3;
  const seen = effectOfSums(weighRobots(input, spans), success, parameters.phi * bernoulliVariance(parameters.mu));
  const slow = latencyFacts(robots, latency, input.treatedArm);
  return {
    success: holdback ? turned(seen) : seen,
    latency: holdback && slow.effect ? { ...slow, effect: turned(slow.effect) } : slow,
    throughput: judgeThroughput({
      robots,
      spans,
      sums: success,
      treatedArm: input.treatedArm,
      ratePhi: Math.max(1, parameters.ratePhi ?? 1),
      prior: limits.guard.throughputPrior,
    }),
    silence: measureSilence({ robots, spans, hoursInStage, hoursTotal, limits }),
    safety: robots.flatMap((robot) =>
      robot.arm === 'candidate' && (robot.safetyEvents ?? 0) > 0 ? [robot.robotId] : [],
    ),
    candidateEpisodes: holdback ? seen.controlEpisodes : seen.treatedEpisodes,
    without: (robotId) =>
      gatherFacts(
        robots.filter((robot) => robot.robotId !== robotId),
        situation,
        limits,
      ),
  };
}

function effectInput(
  robots: readonly RobotEvidence[],
  { parameters, stage, daysTreated }: GuardSituation,
  { blockMinutes }: RolloutLimits,
) {
  const treatedArm: RobotEvidence['arm'] = stage === 3 ? 'control' : 'candidate';
  return { parameters, robots, daysTreated, blocksPerDay: 1440 / blockMinutes, treatedArm };
}

/** Holdback minus candidates, read as candidates minus holdback. */
const turned = (effect: Effect): Effect => ({
  ...effect,
  delta: -effect.delta,
  perRobot: effect.perRobot.map((robot) => ({ ...robot, arm: 'control', residual: -robot.residual })),
});
