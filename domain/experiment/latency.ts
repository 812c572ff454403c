import {
  effectOfSums,
  mean,
  sampleVariance,
  type BlockSums,
  type Effect,
  type RobotEvidence,
  type RobotSums,
} from '../statistics/index.ts';

/** Latency counts per arm, and the effect on it if both arms reported enough. */
export interface LatencyFacts {
  readonly candidateEpisodes: number;
  readonly controlEpisodes: number;
  /** In log latency, turned round: negative = the candidate is slower. */
  readonly effect: Effect | null;
}

interface RobotLatency {
  readonly robot: RobotEvidence;
  readonly sums: RobotSums;
  readonly mean: number;
  readonly squaredDeviations: number;
}

/** Keeps identical robots from having no variance at all. */
const leastVariance = 1e-8;
/** Fewer robots than this, over both arms and less one an arm, do not show how robots differ. */
const fewestFreeRobots = 3;

/**
 * The effect on log latency by the engine of the success effect, with robot means and the robots' own variance in place of
 * b(1-b). There is no history of it, so the spread between robots is what it is within the arms now. `sums` belong to the
 * robots in their order; null when nobody reports latency.
 */
export function latencyFacts(
  robots: readonly RobotEvidence[],
  sums: BlockSums | null,
  treatedArm: RobotEvidence['arm'],
): LatencyFacts {
  if (sums === null) return { candidateEpisodes: 0, controlEpisodes: 0, effect: null };
  const measured = robots.flatMap((robot, index) => robotLatency(robot, sums.robots[index]));
  const candidates = measured.filter(({ robot }) => robot.arm === 'candidate');
  const controls = measured.filter(({ robot }) => robot.arm === 'control');
  const counts = { candidateEpisodes: episodesOf(candidates), controlEpisodes: episodesOf(controls) };
  const free = candidates.length + controls.length - 2;
  if (candidates.length === 0 || controls.length === 0 || free < fewestFreeRobots) return { ...counts, effect: null };
  const scatter = measured.reduce((sum, { squaredDeviations }) => sum + squaredDeviations, 0);
  const withinVariance = Math.max(leastVariance, scatter / Math.max(1, episodesOf(measured) - measured.length));
  const reciprocal = mean(measured.map(({ sums: { counted } }) => 1 / counted)) ?? 0;
  const persistentVariance = Math.max(
    leastVariance,
    varianceWithinArms([candidates, controls], free) - withinVariance * reciprocal,
  );
  const weighed = measured.map(({ robot: { robotId, arm } }) => ({
    robotId,
    treated: arm === treatedArm,
    withinVariance,
    persistentVariance,
  }));
  const kept = { ...sums, robots: measured.map((robot) => robot.sums) };
  return { ...counts, effect: effectOfSums(weighed, kept, withinVariance) };
}

function robotLatency(robot: RobotEvidence, sums: RobotSums | undefined): RobotLatency[] {
  if (sums === undefined || sums.counted === 0) return [];
  const average = sums.total / sums.counted;
  const squaredDeviations = Math.max(0, sums.totalSquares - sums.counted * average * average);
  return [{ robot, sums, mean: average, squaredDeviations }];
}

/** Sample variance of robot means around their own arm's mean. */
const varianceWithinArms = (arms: readonly (readonly RobotLatency[])[], free: number): number =>
  arms.reduce((sum, arm) => sum + (sampleVariance(arm.map(({ mean }) => mean)) ?? 0) * (arm.length - 1), 0) / free;

const episodesOf = (robots: readonly RobotLatency[]): number => robots.reduce((sum, { sums }) => sum + sums.counted, 0);
