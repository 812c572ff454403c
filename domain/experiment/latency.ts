import {
  effectOfSums,
  foldBlocks,
  mean,
  sampleVariance,
  type Block,
  type Effect,
  type RobotEvidence,
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
  readonly episodes: number;
  readonly mean: number;
  readonly squaredDeviations: number;
}

const faster = {
  sum: (block: Block): number => -(block.latencyLogSum ?? 0),
  count: (block: Block): number => (block.latencyLogSum === undefined ? 0 : block.episodes),
};

/** Fewer robots than this, over both arms and less one an arm, do not show how robots differ. */
const fewestFreeRobots = 3;

/**
 * The effect on log latency by the engine of the success effect, with robot means and the robots' own variance in place of
 * b(1-b). There is no history of it, so the spread between robots is what it is within the arms now.
 */
export function latencyFacts(robots: readonly RobotEvidence[], holdbackAsTreated: boolean): LatencyFacts {
  const measured = robots.flatMap((robot) => {
    const latency = robotLatency(robot);
    return latency.episodes > 0 ? [latency] : [];
  });
  const candidates = measured.filter(({ robot }) => robot.arm === 'candidate');
  const controls = measured.filter(({ robot }) => robot.arm === 'control');
  const counts = { candidateEpisodes: episodesOf(candidates), controlEpisodes: episodesOf(controls) };
  const free = candidates.length + controls.length - 2;
  if (candidates.length === 0 || controls.length === 0 || free < fewestFreeRobots) return { ...counts, effect: null };
  const within =
    measured.reduce((sum, { squaredDeviations }) => sum + squaredDeviations, 0) /
    Math.max(1, episodesOf(measured) - measured.length);
  const between = Math.max(1e-8, withinArms([candidates, controls], free) - within * reciprocal(measured));
  const series = measured.map(({ robot }) => ({
    robotId: robot.robotId,
    treated: (robot.arm === 'candidate') !== holdbackAsTreated,
    base: 0,
    withinVariance: Math.max(1e-8, within),
    persistentVariance: between,
    blocks: robot.blocks,
  }));
  return { ...counts, effect: effectOfSums(series, foldBlocks(series, faster), Math.max(1e-8, within)) };
}

function robotLatency(robot: RobotEvidence): RobotLatency {
  let [episodes, sum, squares] = [0, 0, 0];
  for (const block of robot.blocks) {
    if (block.latencyLogSum === undefined) continue;
    episodes += block.episodes;
    sum += block.latencyLogSum;
    squares += block.latencyLogSquares ?? 0;
  }
  const average = episodes > 0 ? sum / episodes : 0;
  return { robot, episodes, mean: average, squaredDeviations: Math.max(0, squares - episodes * average * average) };
}

/** Sample variance of robot means around their own arm's mean. */
const withinArms = (arms: readonly (readonly RobotLatency[])[], free: number): number =>
  arms.reduce((sum, arm) => sum + (sampleVariance(arm.map(({ mean }) => mean)) ?? 0) * (arm.length - 1), 0) / free;

const reciprocal = (robots: readonly RobotLatency[]): number => mean(robots.map(({ episodes }) => 1 / episodes)) ?? 0;

const episodesOf = (robots: readonly RobotLatency[]): number => robots.reduce((sum, { episodes }) => sum + episodes, 0);
