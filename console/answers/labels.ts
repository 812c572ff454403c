import { z } from 'zod';

import { read } from './read.ts';

export const labelQueueSchema = z.strictObject({
  ...read,
  policy: z.string(),
  from: z.string(),
  to: z.string(),
  /** `noLake`: nothing was ever collected; `empty`: nothing of these days waits for a label. */
  state: z.enum(['read', 'empty', 'noLake']),
  /** The most valuable first, at most as many as were asked for of `totalEpisodes`. */
  items: z.array(
    z.strictObject({
      episodeId: z.string(),
      robotId: z.string(),
      task: z.string(),
      outcome: z.string(),
      intervened: z.boolean(),
      recordedOn: z.string(),
      frames: z.int(),
      unlabelledFrames: z.int(),
      /** Somebody labelled a part of it, or said why it failed. */
      isLabelled: z.boolean(),
      /** 0 to 10, and why. */
      value: z.number(),
      reasons: z.array(z.string()),
    }),
  ),
  totalEpisodes: z.int(),
  /** Those of `totalEpisodes` that somebody labelled in part, or said of why they failed. */
  labelledEpisodes: z.int(),
  totalFrames: z.int(),
  /** Why episodes of these days failed, as persons and robots said, the most frequent first; at most 9. */
  failureReasons: z.array(z.string()),
});
export type LabelQueueAnswer = z.infer<typeof labelQueueSchema>;

const said = {
  labelId: z.string(),
  who: z.string(),
  reason: z.string(),
  atMs: z.number(),
};

export const labelsSchema = z.strictObject({
  ...read,
  episodeId: z.string(),
  /** Those that hold, in the order in which they were given: of frames that two of them name the later one holds. At most 500 of `total`, the newest. */
  items: z.array(
    z.discriminatedUnion('kind', [
      /** `end` is not among the frames; `action` as in the frames of an episode. */
      z.strictObject({
        ...said,
        kind: z.literal('frames'),
        start: z.int(),
        end: z.int(),
        action: z.array(z.number()),
      }),
      z.strictObject({ ...said, kind: z.literal('failureReason'), failureReason: z.string() }),
    ]),
  ),
  total: z.int(),
});
export type LabelsAnswer = z.infer<typeof labelsSchema>;
