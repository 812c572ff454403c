import { z } from 'zod';

import { lossReasons } from '../monitor/robot-losses.ts';
import { clipCountsSchema } from './judge-clips.ts';
import { robotCountsSchema } from './documents.ts';
import { waitingSchema } from './waiting.ts';

/** Robots and reasons that a summary lists. */
export const mostListedLosses = 1_000;

const count = z.int().min(0);
const version = z.strictObject({ episodes: count, frames: count });

/** What a collection did, for the report and for people: `collections/<cycleId>/summary.json`. */
export const collectionSummarySchema = z.strictObject({
  cycleId: z.string(),
  robotType: z.string(),
  verdict: z.enum(['ok', 'badData', 'nothingNew']),
  /** One sentence with value, limit and sample size. */
  reason: z.string(),
  startedFrom: version,
  datasetVersion: version,
  segments: count,
  sizeBytes: count,
  /** Segments of other robot types, left in landing. */
  segmentsOfOtherTypes: count,
  /** What stays in landing and why, the most first; summaries of earlier versions do not say. */
  waiting: z.array(waitingSchema).default([]),
  /** Segments that were gone from landing before they could be read. */
  segmentsGone: count,
  segmentsRefused: count,
  episodesStored: count,
  framesStored: count,
  /** Valid failure episodes among those stored. */
  failuresStored: count,
  /** Episodes that came again with the same content. */
  episodesAlreadyStored: count,
  episodesRefused: count,
  /** Of the robots that are not left out, 0–1. */
  refusedEpisodesFraction: z.number(),
  refusedSegmentsFraction: z.number(),
  maxRefusedFraction: z.number(),
  /** Every rule of the validation with what it refused, in the order of docs/data.md. */
  rules: z.array(
    z.strictObject({ id: z.string(), doc: z.string(), waivable: z.boolean(), segments: count, episodes: count }),
  ),
  robots: z.array(z.strictObject({ robotId: z.string(), ...robotCountsSchema.shape })),
  /** Robots of which everything was refused. */
  robotsLeftOut: z.array(z.string()),
  /**
   * What robots of the type's policies made in the seven fleet days before and nobody has, as their monitors heard it, the worst first, at most
   * {@link mostListedLosses}; null where no monitor watches, and in summaries of earlier versions.
   */
  losses: z
    .array(z.strictObject({ policy: z.string(), robotId: z.string(), reason: z.enum(lossReasons), count }))
    .nullable()
    .default(null),
  /** Clips of cameras; null where the robot type has no camera, and in summaries of earlier versions. */
  clips: clipCountsSchema.nullable().default(null),
});
export type CollectionSummary = z.infer<typeof collectionSummarySchema>;
