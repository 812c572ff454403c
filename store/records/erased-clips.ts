import { createHash } from 'node:crypto';

import { jsonBytes } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';
import { episodeHash, readErasedEpisodes, readTombstones, type ErasureRequest } from './erasures.ts';

/** Kept as a digest of robot and content: a clip that was erased is refused for ever, and cannot be found by its mark. */
const markKey = (robotId: string, sha256: string): string =>
  `erased-clips/${createHash('sha256').update(`${robotId}/${sha256}`).digest('hex')}.json`;

/** From now on the robot cannot bring these bytes again, under whatever episode. Idempotent. */
export const markClipErased = (
  store: ObjectStore,
  robotId: string,
  sha256: string,
  erasureId: string,
): Promise<unknown> => store.putIfAbsent(markKey(robotId, sha256), jsonBytes({ erasureId }));

/** A clip as whoever brings or keeps it tells of it. */
export interface ToldClip {
  readonly robotId: string;
  readonly site: string | undefined;
  readonly sha256: string;
  readonly episodeId: string;
  readonly startedAtUs: number;
}

/** Whether a request names the clip: by its robot or site and when it began, or by its episode. */
export function isErasedClip(
  { target, recordedBeforeMs }: ErasureRequest,
  hashes: ReadonlySet<string>,
  { robotId, site, episodeId, startedAtUs }: Omit<ToldClip, 'sha256'>,
): boolean {
  if (target.kind === 'episodes') return hashes.has(episodeHash(episodeId));
  const isTheirs =
    target.kind === 'robot' ? target.robotId === robotId : target.kind === 'site' && target.site === site;
  return isTheirs && startedAtUs / 1_000 < recordedBeforeMs;
}

/**
 * Asks whether a clip was erased on request: itself, or everything of its robot, site or episode. Requests never change, so each is
 * read once a process; the listing tells of new ones.
 */
export function erasedClips(store: ObjectStore): (clip: ToldClip) => Promise<boolean> {
  const known = new Map<string, ErasureRequest>();
  return async (clip) => {
    if ((await store.get(markKey(clip.robotId, clip.sha256))) !== undefined) return true;
    for (const request of await readTombstones(store, known)) {
      const isList = request.target.kind === 'episodes';
      const hashes = isList ? await readErasedEpisodes(store, request.erasureId) : new Set<string>();
      if (isErasedClip(request, hashes, clip)) return true;
    }
    return false;
  };
}
