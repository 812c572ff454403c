import { z } from 'zod';

import { erasureDocument } from '../../store/records/erasures.ts';
import type { ObjectStore } from '../../store/object-store.ts';

const count = z.int().min(0);
const key = z.string();

/** What one pass found, before any of it went: `erasures/<id>/found-<pass>.json`. Whoever erases follows it; keys hold no data. */
const foundSchema = z.strictObject({
  pass: z.int().min(1),
  episodes: count,
  frames: count,
  /** Data files of the lake with such rows; those of no version too. */
  lakeFiles: z.array(
    z.strictObject({
      table: z.enum(['episodes', 'frames', 'outcomes', 'fleet_days']),
      key,
      relativeKey: key,
      rows: count,
    }),
  ),
  /** Segments in landing, quarantine and what was taken out of landing; `isWhole`: nothing else is in it. */
  segments: z.array(z.strictObject({ key, rows: count, isWhole: z.boolean() })),
  /** Segments that cannot be read: whether they hold any of it, nobody can tell. */
  unreadable: z.array(key),
  /** Of these the ones with rows of the request beside others, which cannot be written apart: they stay whole. */
  unwritable: z.array(key).exactOptional(),
  /** Episodes that another robot or site has under the same id: their frames, and what names them, stay. */
  claimedByOthers: count.exactOptional(),
  telemetry: z.array(z.strictObject({ key, entries: count })),
  /** Sums of hours with such telemetry: they are made again of what is left. */
  sums: z.array(key),
  /** Rows of sets that were made from a dataset version with such episodes. */
  sets: z.array(key),
  /** Clips: records of whose they are, bytes that nobody else brought, also in quarantine, and parts. Documents of earlier versions have none. */
  media: z
    .strictObject({
      uses: z.array(key),
      clips: z.array(key),
      quarantined: z.array(key),
      parts: z.array(key),
      /** What collections noted of clips, also of those that never came; documents of earlier versions do not say. */
      notes: z.array(key).default([]),
    })
    .exactOptional(),
  /** Text that names such episodes. */
  texts: z.array(key),
});
export type Found = z.infer<typeof foundSchema>;

export const foundDocument = (store: ObjectStore, erasureId: string, pass: number) =>
  erasureDocument(store, erasureId, `found-${String(pass).padStart(4, '0')}.json`, foundSchema);

const mediaOf = ({ media }: Found): number =>
  media === undefined ? 0 : Object.values(media).reduce((sum, keys) => sum + keys.length, 0);

export const objectsOf = (found: Found): number =>
  mediaOf(found) +
  [found.lakeFiles, found.segments, found.telemetry, found.sums, found.sets, found.texts].reduce(
    (sum, { length }) => sum + length,
    0,
  );
