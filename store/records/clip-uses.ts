import { z } from 'zod';

import { cameraNameSchema } from '../../datasets/camera.ts';
import { jsonBytes, readJson } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';

/**
 * Says whose a clip is, and of which episode and camera. A clip is named by its content, so it may be of several robots, and of several
 * episodes of one. Only a robot that brought all of its bytes has such a record: who merely names the hash of a clip owns nothing.
 */
export const clipUseSchema = z.object({
  robotId: z.string().min(1).max(128),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  episodeId: z.string().min(1).max(64),
  camera: cameraNameSchema,
  /** Where the robot was registered when it brought the clip; records of old do not say. */
  site: z.string().min(1).max(300).optional(),
  sizeBytes: z.int().min(1),
  /** Instant of the first image by the robot, microseconds since 1970 UTC. */
  startedAtUs: z.int().min(0),
  /** When the gateway had proven it, milliseconds since 1970 UTC. */
  receivedAtMs: z.int().min(0),
});
export type ClipUse = z.infer<typeof clipUseSchema>;

type ClipName = Pick<ClipUse, 'robotId' | 'sha256' | 'episodeId' | 'camera'>;

export const clipUsesPrefix = 'media-of/';

const clipPrefix = (robotId: string, sha256: string): string => `${clipUsesPrefix}${robotId}/${sha256}/`;

export const clipUseKey = ({ robotId, sha256, episodeId, camera }: ClipName): string =>
  `${clipPrefix(robotId, sha256)}${episodeId}.${camera}.json`;

/** The names in a key: the robot, the clip, the episode and the camera; undefined for another key. */
export function clipUseIn(key: string): ClipName | undefined {
  const [, robotId, sha256, episodeId, camera] =
    /^media-of\/([^/]+)\/([0-9a-f]{64})\/([^/.]+)\.([a-z0-9-]+)\.json$/.exec(key) ?? [];
  if (robotId === undefined || sha256 === undefined || episodeId === undefined || camera === undefined)
    return undefined;
  return { robotId, sha256, episodeId, camera };
}

/** Idempotent by robot, clip, episode and camera: the first record stays. */
export const writeClipUse = (store: ObjectStore, use: ClipUse): Promise<'created' | 'exists'> =>
  store.putIfAbsent(clipUseKey(use), jsonBytes(use));

/** Undefined when it is not there; `CorruptData` when it is none. */
export const readClipUse = (store: ObjectStore, key: string): Promise<ClipUse | undefined> =>
  readJson(store, key, clipUseSchema);

/** Keys of all records of a robot's clip, at most `limit` of them. */
export async function clipUseKeys(
  store: ObjectStore,
  robotId: string,
  sha256: string,
  limit: number,
): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(clipPrefix(robotId, sha256))) {
    if (clipUseIn(key) !== undefined) keys.push(key);
    if (keys.length >= limit) break;
  }
  return keys;
}

/** Whether the robot brought the clip's bytes: an episode may name only clips of its own robot. */
export const ownsClip = async (store: ObjectStore, robotId: string, sha256: string): Promise<boolean> =>
  (await clipUseKeys(store, robotId, sha256, 1)).length > 0;
