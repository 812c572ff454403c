import type { VersionedHistory } from './history.ts';
import { mean, sampleVariance } from './moments.ts';

/** Days of fewer episodes say nothing of the day. */
const leastEpisodes = 100;

/**
 * Variance of the whole fleet's success from day to day on one version, less what the episodes' number explains; at least 0. Fewer
 * than two days with enough episodes give 0.
 */
export function fleetDayVarianceOf(history: readonly VersionedHistory[], version: string): number {
  const days = new Map<number, { successes: number; episodes: number }>();
  for (const { cells } of history)
    for (const { day, policyVersion, successes, episodes } of cells) {
      if (policyVersion !== version) continue;
      const sum = days.get(day) ?? { successes: 0, episodes: 0 };
      days.set(day, { successes: sum.successes + successes, episodes: sum.episodes + episodes });
    }
  const known = [...days.values()].filter(({ episodes }) => episodes >= leastEpisodes);
  const fractions = known.map(({ successes, episodes }) => successes / episodes);
  const spread = sampleVariance(fractions);
  const noise = mean(known.map(({ successes, episodes }) => (successes * (episodes - successes)) / episodes ** 3));
  return spread === undefined || noise === undefined ? 0 : Math.max(0, spread - noise);
}
