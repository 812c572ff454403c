import { z } from 'zod';

import { cameraNameSchema } from '../../datasets/camera.ts';
import { readSoundJson } from '../damaged-objects.ts';
import { jsonBytes, readJson } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';

const nameSchema = {
  robotId: z.string().min(1).max(128),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  episodeId: z.string().min(1).max(64),
  camera: cameraNameSchema,
};

/** A clip that an episode in the lake names, and that no collection has judged; taken away by the one that has. */
const awaitedClipSchema = z.object({
  ...nameSchema,
  /** `id@version`. */
  robotType: z.string(),
  /** By the corrected clock, µs since 1970 UTC. */
  startedUs: z.int(),
  episodeStartedUs: z.int(),
  durationMs: z.int(),
});
export type AwaitedClip = z.infer<typeof awaitedClipSchema>;

/** What a collection made of a clip of an episode. The first verdict stays. */
const clipVerdictSchema = z.object({
  ...nameSchema,
  robotType: z.string(),
  verdict: z.enum(['accepted', 'refused']),
  /** Every rule that was broken. */
  violations: z.array(z.object({ rule: z.string(), value: z.string(), expected: z.string() })),
  startedUs: z.int(),
  /** Null where it could not be decoded. */
  images: z.int().nullable(),
  sizeBytes: z.int(),
  /** What its images look like on average; verdicts of old, and of what could not be decoded, do not say. */
  appearance: z.object({ brightness: z.number(), contrast: z.number(), sharpness: z.number() }).exactOptional(),
  /** The collection that judged it. */
  cycleId: z.string(),
});
export type ClipVerdict = z.infer<typeof clipVerdictSchema>;

export type ClipName = Pick<ClipVerdict, 'robotId' | 'sha256' | 'episodeId' | 'camera'>;

export const awaitedClipsPrefix = 'clips-awaited/';
export const clipVerdictsPrefix = 'clips/';

/** Below each prefix a clip of an episode has the same name, so that listings can be compared. */
const nameOf = ({ robotId, sha256, episodeId, camera }: ClipName): string =>
  `${robotId}/${sha256}/${episodeId}.${camera}.json`;

export const awaitedClipKey = (name: ClipName): string => `${awaitedClipsPrefix}${nameOf(name)}`;
export const clipVerdictKey = (name: ClipName): string => `${clipVerdictsPrefix}${nameOf(name)}`;

/** Idempotent by robot, clip, episode and camera. */
export const writeAwaitedClip = (store: ObjectStore, clip: AwaitedClip): Promise<'created' | 'exists'> =>
  store.putIfAbsent(awaitedClipKey(clip), jsonBytes(clip));

/** Undefined when it is not there; `CorruptData` when it is none. */
export const readAwaitedClip = (store: ObjectStore, key: string): Promise<AwaitedClip | undefined> =>
  readJson(store, key, awaitedClipSchema);

/** Idempotent by robot, clip, episode and camera: the first verdict stays. */
export const writeClipVerdict = (store: ObjectStore, verdict: ClipVerdict): Promise<'created' | 'exists'> =>
  store.putIfAbsent(clipVerdictKey(verdict), jsonBytes(verdict));

/** Undefined when the clip was not judged. */
export const readClipVerdict = (store: ObjectStore, name: ClipName): Promise<ClipVerdict | undefined> =>
  readJson(store, clipVerdictKey(name), clipVerdictSchema);

/** The names in the key of a note or a verdict; undefined for another key. */
export function clipNoteIn(key: string): ClipName | undefined {
  const [, robotId, sha256, episodeId, camera] =
    /^clips(?:-awaited)?\/([^/]+)\/([0-9a-f]{64})\/([^/.]+)\.([a-z0-9-]+)\.json$/.exec(key) ?? [];
  if (robotId === undefined || sha256 === undefined || episodeId === undefined || camera === undefined)
    return undefined;
  return { robotId, sha256, episodeId, camera };
}

/** When the clip of a note or a verdict began, by its episode, µs since 1970 UTC; undefined where that cannot be read. */
export async function clipNoteStartedUs(store: ObjectStore, key: string): Promise<number | undefined> {
  const note = await readSoundJson(store, key, z.object({ startedUs: z.int() }), () => undefined);
  return note?.startedUs;
}

/** Takes away what collections wrote of a clip of an episode; where the clip itself goes. */
export async function forgetClip(store: ObjectStore, name: ClipName): Promise<void> {
  await store.delete(awaitedClipKey(name));
  await store.delete(clipVerdictKey(name));
}
