import { chiSquareQuantile } from './distributions.ts';
import type { VersionedHistory } from './history.ts';
import { mean } from './moments.ts';

/** Stretches of fewer episodes, or of a smaller share of the robots, say nothing of the fleet. */
const leastEpisodes = 100;
const leastRobotsFraction = 0.5;
/** The true variance is below what is told with this confidence: a week says little of how much the days differ. */
const confidence = 0.9;
/** However few the stretches, the estimate is not multiplied by more. */
const mostInflation = 10;

/** Variance of the whole fleet's success from day to day, see {@link fleetVarianceOf}. */
export const fleetDayVarianceOf = (history: readonly VersionedHistory[], version: string): number =>
  fleetVarianceOf(history, version, 24);

/**
 * Variance of the whole fleet's success in a stretch of `hours` (a divisor of 24) against the level of one version, less what the
 * episodes' number explains; at least 0. Day and night count where the stretch is shorter than a day. Stretches are compared with those
 * of their own version, so that another version's level is no movement. An upper 90 % limit: a week that happened to be calm must not
 * promise calm days. The level itself is known from few days too, which is added. Fewer than two stretches with enough episodes give 0.
 */
export function fleetVarianceOf(history: readonly VersionedHistory[], version: string, hours: number): number {
  const versions = stretchesByVersion(history, hours);
  let [squares, degreesOfFreedom] = [0, 0];
  const noises: number[] = [];
  for (const stretches of versions.values()) {
    const fractions = stretches.map(({ successes, episodes }) => successes / episodes);
    const level = mean(fractions);
    if (level === undefined || stretches.length < 2) continue;
    squares += fractions.reduce((sum, fraction) => sum + (fraction - level) ** 2, 0);
    degreesOfFreedom += stretches.length - 1;
    noises.push(...stretches.map(({ successes, episodes }) => (successes * (episodes - successes)) / episodes ** 3));
  }
  const noise = mean(noises);
  if (noise === undefined) return 0;
  const variance = Math.max(0, squares / degreesOfFreedom - noise);
  const inflation = degreesOfFreedom / chiSquareQuantile(1 - confidence, degreesOfFreedom);
  const levelStretches = Math.max(1, versions.get(version)?.length ?? 0);
  return variance * Math.min(mostInflation, inflation) * (1 + 1 / levelStretches);
}

interface Stretch {
  readonly successes: number;
  readonly episodes: number;
  readonly robots: Set<string>;
}

function stretchesByVersion(history: readonly VersionedHistory[], hours: number): Map<string, Stretch[]> {
  const versions = new Map<string, Map<number, Stretch>>();
  for (const { robotId, cells } of history)
    for (const { day, hour, policyVersion, successes, episodes } of cells) {
      const stretches = versions.get(policyVersion) ?? new Map<number, Stretch>();
      const index = Math.floor((day * 24 + hour) / hours);
      const sum = stretches.get(index) ?? { successes: 0, episodes: 0, robots: new Set<string>() };
      stretches.set(index, {
        successes: sum.successes + successes,
        episodes: sum.episodes + episodes,
        robots: sum.robots.add(robotId),
      });
      versions.set(policyVersion, stretches);
    }
  const isFleets = ({ episodes, robots }: Stretch): boolean =>
    episodes >= leastEpisodes && robots.size >= leastRobotsFraction * history.length;
  return new Map([...versions].map(([version, stretches]) => [version, [...stretches.values()].filter(isFleets)]));
}
