import { createHash } from 'node:crypto';

import { clipKey, clipKind, type Camera } from '../camera.ts';
import { writeClip } from '../media/write-clip.ts';
import type { EpisodeClip } from './source-episode.ts';

/** A clip that an episode names, to be put into the store before the episode is. */
export interface ClipToLand {
  readonly robotId: string;
  readonly site: string;
  readonly episodeId: string;
  readonly camera: string;
  readonly sha256: string;
  readonly bytes: Uint8Array;
  /** µs since 1970 UTC. */
  readonly startedAtUs: number;
}

/** The same of a clip that is a file. */
export interface ClipFileToLand extends Omit<ClipToLand, 'bytes'> {
  readonly filePath: string;
  readonly sizeBytes: number;
}

/** An image of a recording as it becomes part of a clip. */
export interface RecordedImage {
  /** µs since 1970 UTC. */
  readonly atUs: number;
  readonly jpeg: Uint8Array;
}

/** A clip of motion JPEG of images, whose times rise, and how an episode names it. The same images give the same bytes. `ClipError` as `writeClip` throws it. */
export async function clipOfImages(
  camera: Camera,
  images: readonly RecordedImage[],
): Promise<{ readonly bytes: Uint8Array; readonly clip: EpisodeClip }> {
  const startedAt = images[0]?.atUs ?? 0;
  const sizes = images.map(({ atUs, jpeg }) => ({ atUs: atUs - startedAt, sizeBytes: jpeg.length }));
  const periodUs = Math.round(1e6 / camera.rateHz);
  const jpegs = images.map(({ jpeg }) => jpeg);
  const pieces: Uint8Array[] = [];
  for await (const piece of writeClip({ ...camera, periodUs }, sizes, jpegs)) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const durationMs = Math.round(((sizes.at(-1)?.atUs ?? 0) + periodUs) / 1000);
  const clip = { sha256, kind: clipKind(camera.name), startedAt, durationMs, key: clipKey(sha256) };
  return { bytes, clip };
}
