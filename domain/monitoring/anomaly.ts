import {
  binomialLogEvidence,
  eBenjaminiHochberg,
  mixedLogEvidence,
  robotBaseline,
  weighRobots,
  type FleetParameters,
  type RobotEvidence,
} from '../statistics/index.ts';
import { withDefaults } from './limits.ts';

export interface AnomalyLimits {
  readonly tau: number;
  /** A robot this much below itself is not worth a word. */
  readonly marginFraction: number;
  /** Share of false names among the robots named. */
  readonly falseDiscoveryFraction: number;
  /** Fewer are judged by their exact number, more by their mean. */
  readonly minimumEpisodes: number;
}

export const defaultAnomalyLimits: AnomalyLimits = {
  tau: 0.05,
  marginFraction: 0.02,
  falseDiscoveryFraction: 0.01,
  minimumEpisodes: 30,
};

/** One robot against its own past and the rest of the fleet. */
export interface RobotAnomaly {
  readonly robotId: string;
  readonly anomalous: boolean;
  /** Success above (below, if negative) what was expected of it. */
  readonly delta: number;
  readonly variance: number;
  readonly logEvidence: number;
  readonly episodes: number;
  readonly reason: string;
}

/** e-values are compared as numbers; beyond this they are all the same. */
const largestLogEvidence = 600;

/**
 * Which robots do worse than they used to, while the others do not? Each robot against its own baseline and the rest of the
 * fleet in the same time block, by the e-process of the guard; over all robots at a false-discovery rate by e-BH, which needs no
 * independence. A handful of episodes is judged by its exact tail. Arms do not matter here.
 */
export function judgeAnomalies(input: {
  parameters: FleetParameters;
  robots: readonly RobotEvidence[];
  days: number;
  limits?: Partial<AnomalyLimits>;
}): RobotAnomaly[] {
  const limits = withDefaults('anomaly limits', defaultAnomalyLimits, input.limits);
  const { parameters, robots, days } = input;
  const bases = robots.map(({ baseline }) => robotBaseline(parameters, baseline).base);
  const fleet = fleetBlocks(robots, bases);
  const weighed = weighRobots({ parameters, robots, daysTreated: days }, []);
  const measured = robots.map(({ robotId, blocks }, index) => {
    let [episodes, excess] = [0, 0];
    for (const { block, successes, episodes: n } of blocks) {
      const all = fleet.get(block) ?? { episodes: 0, excess: 0 };
      const own = successes - n * (bases[index] ?? 0);
      if (all.episodes <= n) continue;
      excess += own - (n * (all.excess - own)) / (all.episodes - n);
      episodes += n;
    }
    const { withinVariance = 1, persistentVariance = 1 } = weighed[index] ?? {};
    const enough = episodes >= limits.minimumEpisodes;
    const delta = episodes > 0 ? excess / episodes : 0;
    const variance = episodes > 0 ? withinVariance / episodes + persistentVariance : 1;
    const evidence = enough
      ? mixedLogEvidence({ delta, variance, tau: limits.tau, margin: limits.marginFraction })
      : fewEvidence({
          episodes,
          excess,
          base: bases[index] ?? 0,
          // Two standard deviations of what more episodes do not remove are tolerated too.
          margin: limits.marginFraction + 2 * Math.sqrt(persistentVariance),
        });
    return { robotId, delta, variance, logEvidence: evidence, episodes };
  });
  const eValues = measured.map((robot) =>
    robot.logEvidence > 0 ? Math.exp(Math.min(largestLogEvidence, robot.logEvidence)) : 0,
  );
  const { rejected } = eBenjaminiHochberg(eValues, limits.falseDiscoveryFraction);
  return measured.map((robot, index) => {
    const anomalous = rejected[index] === true;
    const told = `${(100 * robot.delta).toFixed(1)} pp against its own past and the fleet, ${robot.episodes} episodes`;
    return { ...robot, anomalous, reason: anomalous ? told : `nothing unusual: ${told}` };
  });
}

/** The fleet's luck is taken off the successes, so that a bad hour of everybody is nobody's. */
function fewEvidence(of: { episodes: number; excess: number; base: number; margin: number }): number {
  const { episodes, excess, base, margin } = of;
  const successes = Math.min(episodes, Math.max(0, Math.ceil(excess + episodes * base)));
  const tolerated = Math.min(mostTolerated, base - margin);
  return binomialLogEvidence({ successes, episodes, tolerated });
}

/** A robot that never failed may fail now and then. */
const mostTolerated = 0.98;

function fleetBlocks(
  robots: readonly RobotEvidence[],
  bases: readonly number[],
): Map<number, { episodes: number; excess: number }> {
  const fleet = new Map<number, { episodes: number; excess: number }>();
  for (const [index, { blocks }] of robots.entries()) {
    for (const { block, successes, episodes } of blocks) {
      const all = fleet.get(block) ?? { episodes: 0, excess: 0 };
      all.episodes += episodes;
      all.excess += successes - episodes * (bases[index] ?? 0);
      fleet.set(block, all);
    }
  }
  return fleet;
}
