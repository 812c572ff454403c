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
import { fleetLevel, isFarBelow, type FleetLevel } from './fleet-level.ts';
import { outlyingControls } from './outlying-controls.ts';
import { boundClaims, type ExcessiveClaim } from './plausible-claims.ts';
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
  /** Robots that claim more episodes than they can have made; what they claim is scaled down. */
  readonly excessive: readonly ExcessiveClaim[];
  /** Controls far from their own past while the others are not: not compared with. */
  readonly leftOut: readonly string[];
  /** Where there are no controls at all: the candidates against their own past, of late. */
  readonly alone: FleetLevel | null;
  /** Both arms far below the champion's own past of late; null: no. */
  readonly brokenFleet: FleetLevel | null;
  /** The same facts without one robot. */
  readonly without: (robotId: string) => GuardFacts;
}

/**
 * Folds the robots' blocks into facts, claims bounded and controls that stand far out left out. Linear in the blocks; `without`
 * folds anew.
 */
export function gatherFacts(
  given: readonly RobotEvidence[],
  situation: GuardSituation,
  limits: RolloutLimits,
): GuardFacts {
  const { robots, excessive } = boundClaims(given, limits.blockMinutes);
  const fold = foldEvidence(effectInput(robots, situation, limits));
  const leftOut = outlyingControls(robots, fold, situation.parameters);
  const brokenFleet = brokenLevel(robots, situation, limits);
  if (leftOut.length === 0) return { ...factsOfFold(robots, fold, situation, limits), excessive, brokenFleet };
  const rest = robots.filter(({ robotId }) => !leftOut.includes(robotId));
  const facts = factsOfFold(rest, foldEvidence(effectInput(rest, situation, limits)), situation, limits);
  return { ...facts, excessive, leftOut, brokenFleet };
}

/** The level of late is that of this many hours. */
const lateHours = 4;
const lateBlocks = ({ blockMinutes }: RolloutLimits): number => Math.ceil((lateHours * 60) / blockMinutes);
const countOf = (counts: Iterable<number>): number => [...counts].reduce((sum, count) => sum + count, 0);

/** The controls' level if both arms are far below their past: then it is not the candidate. */
function brokenLevel(
  robots: readonly RobotEvidence[],
  { parameters }: GuardSituation,
  limits: RolloutLimits,
): FleetLevel | null {
  const blocks = lateBlocks(limits);
  const control = fleetLevel(robots, parameters, { arm: 'control', blocks });
  if (!isFarBelow(control, parameters)) return null;
  return isFarBelow(fleetLevel(robots, parameters, { arm: 'candidate', blocks }), parameters) ? control : null;
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
  const alone = robots.every(({ arm }) => arm === 'candidate');
  // A fleet without controls has no holdback either.
  const holdback = stage === 3 && !alone;
  const seen = effectOfSums(
    weighRobots(input, spans),
    success,
    parameters.phi * bernoulliVariance(parameters.mu),
    true,
  );
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
    excessive: [],
    leftOut: [],
    brokenFleet: null,
    candidateEpisodes: holdback ? seen.controlEpisodes : alone ? countOf(success.treatedCounts) : seen.treatedEpisodes,
    alone: alone && !holdback ? fleetLevel(robots, parameters, { arm: 'candidate', blocks: lateBlocks(limits) }) : null,
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
  const alone = robots.every(({ arm }) => arm === 'candidate');
  const treatedArm: RobotEvidence['arm'] = stage === 3 && !alone ? 'control' : 'candidate';
  return { parameters, robots, daysTreated, blocksPerDay: 1440 / blockMinutes, treatedArm };
}

/** Holdback minus candidates, read as candidates minus holdback. */
const turned = (effect: Effect): Effect => ({
  ...effect,
  delta: -effect.delta,
  perRobot: effect.perRobot.map((robot) => ({ ...robot, arm: 'control', residual: -robot.residual })),
});
