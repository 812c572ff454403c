import { z } from 'zod';

import { splits } from '../../datasets/columns.ts';
import type { Violation } from '../../datasets/validation/rule.ts';
import { waitingSchema } from './waiting.ts';
import { dictionarySchema } from '../../domain/dictionary-schema.ts';

/** Keys of what a collection keeps of itself, `collections/<cycleId>/…`. */
export const manifestKeyOf = (cycleId: string): string => `collections/${cycleId}/manifest.json`;
/** Named by content, so that an attempt that was overtaken cannot change what another one committed to. */
export const batchKeyOf = (cycleId: string, sha256: string): string => `collections/${cycleId}/batches/${sha256}.json`;
export const decisionKeyOf = (cycleId: string, batch: number): string =>
  `collections/${cycleId}/decisions/${String(batch).padStart(6, '0')}.json`;
export const summaryKeyOf = (cycleId: string): string => `collections/${cycleId}/summary.json`;

const count = z.int().min(0);

/** What lies in landing for one collection, cut into batches. Written once; every retry reads it. */
export const manifestSchema = z.strictObject({
  cycleId: z.string(),
  robotType: z.string(),
  segments: count,
  sizeBytes: count,
  frames: count,
  /** Robots whose segments these are; manifests of earlier versions do not say. */
  robots: count.exactOptional(),
  /** Segments of other robot types, left for their own policy's collection. */
  segmentsOfOtherTypes: count,
  /** What stays in landing and why; manifests of earlier versions do not say. */
  waiting: z.array(waitingSchema).default([]),
  batches: z.array(
    z.strictObject({
      key: z.string(),
      segments: count,
      sizeBytes: count,
      frames: count,
      /** Version of the robot type, by whose document the batch is judged; not there: the collection's own. */
      robotType: z.string().exactOptional(),
    }),
  ),
});
export type CollectionManifest = z.infer<typeof manifestSchema>;

const footerSchema = z.strictObject({
  schemaVersion: z.number().exactOptional(),
  robotId: z.string().exactOptional(),
  robotType: z.string().exactOptional(),
  robotTypeDigest: z.string().exactOptional(),
  agentVersion: z.string().exactOptional(),
  clockSkewMs: z.number().exactOptional(),
});

const plannedSegmentSchema = z.strictObject({
  key: z.string(),
  /** When landing received it. */
  receivedMs: z.int(),
  /** When its robot was registered, where that is known and it is no recording. */
  registeredMs: z.int().exactOptional(),
  facts: z.strictObject({
    form: z.enum(['parquet', 'truncatedParquet', 'empty', 'gitLfsPointer', 'text', 'unknown']),
    sizeBytes: count,
    rows: z.number(),
    mostValues: z.number(),
    footer: footerSchema,
    columnProblems: z.array(z.string()).readonly(),
    absentColumns: z.array(z.string()).readonly(),
  }),
});
export const batchSchema = z.strictObject({ segments: z.array(plannedSegmentSchema) });
export type PlannedSegment = z.infer<typeof plannedSegmentSchema>;

const violationSchema = z.strictObject({
  rule: z.string(),
  value: z.string(),
  expected: z.string(),
  row: z.int().nullable(),
});
const violationsSchema: z.ZodType<Violation[]> = z.array(violationSchema);

export const robotCountsSchema = z.strictObject({
  segments: count,
  segmentsRefused: count,
  episodesStored: count,
  episodesAlreadyStored: count,
  episodesRefused: count,
  framesStored: count,
  failuresStored: count,
});
export type RobotCounts = z.infer<typeof robotCountsSchema>;

const ruleCountsSchema = z.strictObject({ segments: count, episodes: count });
export type RuleCounts = z.infer<typeof ruleCountsSchema>;

const episodeReference = { segment: count, episodeId: z.string().nullable(), firstRow: count };

/**
 * What was decided about every segment and episode of a batch. Written once, before anything is committed: a retry
 * follows it, so frames and episodes of one batch always come from one decision. `segment` is a position in the batch.
 */
export const decisionSchema = z.strictObject({
  /** Segments that were gone from landing. */
  gone: z.array(count),
  refusedSegments: z.array(z.strictObject({ segment: count, violations: violationsSchema })),
  refusedEpisodes: z.array(z.strictObject({ ...episodeReference, violations: violationsSchema })),
  alreadyStored: z.array(z.strictObject(episodeReference)),
  /** Erased on request: neither stored nor kept; decisions of earlier versions do not say. */
  erased: z.array(z.strictObject({ segment: count, firstRow: count, erasureId: z.string() })).exactOptional(),
  /** Refused segments with episodes that were erased, or that cannot be read and may be of an erased robot’s past: not kept. */
  erasedSegments: z.array(count).exactOptional(),
  robots: dictionarySchema(robotCountsSchema),
  rules: dictionarySchema(ruleCountsSchema),
  /** Not there: episodes were split by the robot type's rule. Else the splits that the lake had nothing in, see `youngSplits`. */
  youngSplits: z.array(z.enum(splits)).exactOptional(),
});
export type BatchDecision = z.infer<typeof decisionSchema>;
