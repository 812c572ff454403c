import { z } from 'zod';

import { distributionOf, isOutlier, type Distribution } from '../../domain/quality/distribution.ts';
import {
  leastWidths,
  qualityMeasures,
  type EpisodeMeasures,
  type QualityMeasure,
} from '../../domain/quality/measure-episode.ts';
import { duplicateDistance } from '../../domain/quality/near-duplicates.ts';
import { medianOf } from '../../domain/quality/signals.ts';

const finite = z.number();

export const measuredSchema = z.strictObject({
  measure: z.enum(qualityMeasures),
  episodes: z.int(),
  untold: z.int(),
  quantiles: z.array(z.strictObject({ fraction: finite, value: finite })),
  classes: z.array(z.strictObject({ from: finite, to: finite, episodes: z.int() })),
  low: finite.nullable(),
  high: finite.nullable(),
  /** Episodes beyond `low` or `high`; of near-duplicates those that are nearer than `duplicateDistance`. */
  outliers: z.int(),
  /** The farthest out first, at most {@link mostListed}. */
  listed: z.array(z.strictObject({ episodeId: z.string(), robotId: z.string(), value: finite })),
});
export type MeasuredDistribution = z.infer<typeof measuredSchema>;

/** What the new episodes of a cycle are like: `evaluations/<cycleId>/quality.json`. */
export const qualitySchema = z.strictObject({
  robotType: z.string(),
  /** New episodes of the robot type's own body, and those of them that were measured. */
  newEpisodes: z.int(),
  measuredEpisodes: z.int(),
  /** Frames from its beginning on that were looked at of an episode. */
  framesOfEpisode: z.int(),
  measures: z.array(measuredSchema),
  /** Middle values by robot, those with the most outliers first, at most {@link mostRobots}. */
  robots: z.array(
    z.strictObject({
      robotId: z.string(),
      episodes: z.int(),
      outliers: z.int(),
      medians: z.partialRecord(z.enum(qualityMeasures), finite),
    }),
  ),
});
export type QualityDocument = z.infer<typeof qualitySchema>;

export const mostListed = 20;
export const mostRobots = 50;

export const qualityKeyBeside = (evaluationKey: string): string => evaluationKey.replace(/[^/]+$/, 'quality.json');
export const qualityKeyOf = (cycleId: string): string => `evaluations/${cycleId}/quality.json`;

export interface MeasuredEpisode {
  readonly episodeId: string;
  readonly robotId: string;
  readonly measures: EpisodeMeasures;
}

/** A measure over episodes: its distribution, and which lie outside. */
export function measuredOf(
  measure: QualityMeasure,
  episodes: readonly MeasuredEpisode[],
): { readonly measured: MeasuredDistribution; readonly outside: readonly MeasuredEpisode[] } {
  const distribution = distributionOf(
    episodes.map(({ measures }) => measures[measure]),
    leastWidths[measure],
  );
  const far = ({ measures }: MeasuredEpisode): number => farness(measures[measure] ?? 0, distribution);
  const outside = episodes
    .filter(({ measures }) => isOutside(measure, measures[measure], distribution))
    .toSorted((a, b) => far(b) - far(a) || (a.episodeId < b.episodeId ? -1 : 1));
  const listed = outside
    .slice(0, mostListed)
    .map(({ episodeId, robotId, measures }) => ({ episodeId, robotId, value: measures[measure] ?? 0 }));
  const measured = {
    measure,
    ...distribution,
    quantiles: [...distribution.quantiles],
    classes: [...distribution.classes],
    outliers: outside.length,
    listed,
  };
  return { measured, outside };
}

/** Episodes that are very much like another one are outside, however many there are; those that are like none are not. */
const isOutside = (measure: QualityMeasure, value: number | undefined, distribution: Distribution): boolean =>
  measure === 'nearestDistance' ? value !== undefined && value < duplicateDistance : isOutlier(value, distribution);

const farness = (value: number, { low, high }: Distribution): number =>
  low === null || high === null ? -value : Math.max(low - value, value - high);

/** Everything that is told of some episodes. */
export function qualityDocument(facts: {
  readonly robotType: string;
  readonly newEpisodes: number;
  readonly framesOfEpisode: number;
  readonly episodes: readonly MeasuredEpisode[];
}): QualityDocument {
  const { episodes } = facts;
  const told = qualityMeasures.filter((measure) => measure !== 'championDisagreement');
  const found = told.map((measure) => measuredOf(measure, episodes));
  const outside = new Map<string, number>();
  for (const { outside: some } of found)
    for (const { robotId } of some) outside.set(robotId, (outside.get(robotId) ?? 0) + 1);
  const robots = [...Map.groupBy(episodes, ({ robotId }) => robotId)]
    .map(([robotId, own]) => ({
      robotId,
      episodes: own.length,
      outliers: outside.get(robotId) ?? 0,
      medians: Object.fromEntries(
        told.flatMap((measure) => {
          const middle = medianOf(own.flatMap(({ measures }) => measures[measure] ?? []));
          return middle === undefined ? [] : [[measure, middle]];
        }),
      ),
    }))
    .toSorted((a, b) => b.outliers - a.outliers || (a.robotId < b.robotId ? -1 : 1));
  return {
    robotType: facts.robotType,
    newEpisodes: facts.newEpisodes,
    measuredEpisodes: episodes.length,
    framesOfEpisode: facts.framesOfEpisode,
    measures: found.map(({ measured }) => measured),
    robots: robots.slice(0, mostRobots),
  };
}
