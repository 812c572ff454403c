import path from 'node:path';

import { namesIn, removeFile, sizeOf } from '../local/durable-files.ts';
import type { Worth } from '../recording/spooled-episodes.ts';
import type { ImageDrops } from './image-drops.ts';
import { countImages, parseImageLogName } from './image-log.ts';

/** Where the episode of a log is kept, and what it is worth. */
export interface EpisodePlace {
  readonly spool: string;
  readonly worth: Worth;
}

/** A finished log of images that waits to become a clip. */
export interface WaitingLog extends EpisodePlace {
  readonly name: string;
  readonly episodeId: string;
  readonly camera: string;
  readonly sizeBytes: number;
  /** When it was finished, by the monotonic clock; what an earlier process left has waited since the start of this one. */
  readonly sinceMs: number;
}

export interface WaitingLogsPorts {
  readonly directory: string;
  /** Ended episodes that no segment holds yet. */
  readonly episodes: ReadonlyMap<string, EpisodePlace>;
  /** Whether a clip of it is there already: its maker died before it took the log away. */
  readonly hasClip: (episodeId: string, camera: string) => boolean;
  readonly drops: Pick<ImageDrops, 'addFiles' | 'deleted'>;
  readonly nowMs: number;
}

/** Finds the logs that a dead process left, oldest first. Those of no episode are counted and deleted. */
export async function leftLogs(ports: WaitingLogsPorts): Promise<readonly WaitingLog[]> {
  const { directory, episodes, hasClip, drops, nowMs } = ports;
  const left: WaitingLog[] = [];
  const orphans: { readonly name: string; readonly images: number }[] = [];
  const useless: string[] = [];
  for (const name of await namesIn(directory)) {
    const parsed = parseImageLogName(name);
    const file = path.join(directory, name);
    const place = parsed === undefined ? undefined : episodes.get(parsed.episodeId);
    if (parsed === undefined || hasClip(parsed.episodeId, parsed.camera)) useless.push(name);
    else if (place === undefined) orphans.push({ name, images: await countImages(file).catch(() => 0) });
    else left.push({ name, ...parsed, ...place, sizeBytes: await sizeOf(file), sinceMs: nowMs });
  }
  await drops.addFiles('noFrames', orphans);
  for (const name of [...useless, ...orphans.map((orphan) => orphan.name)])
    await removeFile(path.join(directory, name));
  drops.deleted(orphans);
  return left;
}
