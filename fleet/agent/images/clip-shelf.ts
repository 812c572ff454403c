import { rename, stat, truncate } from 'node:fs/promises';
import path from 'node:path';

import { namesIn, removeFile, syncDirectory } from '../local/durable-files.ts';
import { worths, type Worth } from '../recording/spooled-episodes.ts';

/** A finished clip on the robot's disk. Its name says all that is needed to name it in a segment, to upload it, or to drop it and count that. */
export interface ShelvedClip {
  readonly name: string;
  /** Number of the spool that holds its episode, and what the episode is worth: the same as its segment's. */
  readonly spool: string;
  readonly worth: Worth;
  readonly episodeId: string;
  readonly camera: string;
  /** Instant of its first image, µs: by the robot's clock until it is released, then as its segment has it. */
  readonly startedAtUs: number;
  readonly durationMs: number;
  readonly images: number;
  readonly sha256: string;
  /** A segment names it: it may be uploaded. */
  readonly isReleased: boolean;
  readonly sizeBytes: number;
}

const pattern =
  /^(\d{12})\.(success|aborted|lesson)\.([0-9A-Z]{26})\.([a-z0-9-]{1,63})\.(\d{1,16})\.(\d{1,12})\.(\d{1,7})\.([0-9a-f]{64})\.(held|mp4)$/;

export const clipName = (clip: Omit<ShelvedClip, 'name' | 'sizeBytes'>): string =>
  [
    clip.spool,
    clip.worth,
    clip.episodeId,
    clip.camera,
    clip.startedAtUs,
    clip.durationMs,
    clip.images,
    clip.sha256,
    clip.isReleased ? 'mp4' : 'held',
  ].join('.');

function parseName(name: string): Omit<ShelvedClip, 'sizeBytes'> | undefined {
  const [, spool, worthName, episodeId, camera, startedAt, duration, images, sha256, kind] = pattern.exec(name) ?? [];
  const worth = worths.find((each) => each === worthName);
  if (spool === undefined || worth === undefined || episodeId === undefined || camera === undefined) return undefined;
  if (sha256 === undefined) return undefined;
  const numbers = { startedAtUs: Number(startedAt), durationMs: Number(duration), images: Number(images) };
  return { name, spool, worth, episodeId, camera, ...numbers, sha256, isReleased: kind === 'mp4' };
}

/** Which clips to give up so that `excessBytes` are free: the least worth first, in each worth the oldest. Never the one whose upload has begun. */
export function clipsToDrop(
  clips: readonly ShelvedClip[],
  excessBytes: number,
  uploading: string | undefined,
): readonly ShelvedClip[] {
  const chosen: ShelvedClip[] = [];
  let freedBytes = 0;
  for (const clip of inOrderOfWorth(clips)) {
    if (freedBytes >= excessBytes) break;
    if (clip.name === uploading) continue;
    chosen.push(clip);
    freedBytes += clip.sizeBytes;
  }
  return chosen;
}

/** Least worth first, in each worth the oldest first. */
const inOrderOfWorth = (clips: readonly ShelvedClip[]): readonly ShelvedClip[] =>
  clips.toSorted((a, b) => worths.indexOf(a.worth) - worths.indexOf(b.worth) || (a.name < b.name ? -1 : 1));

/** The next clip to upload: the most worth first, in each worth the oldest. */
export function nextClip(clips: readonly ShelvedClip[]): ShelvedClip | undefined {
  const released = clips.filter(({ isReleased }) => isReleased);
  const most = Math.max(...released.map(({ worth }) => worths.indexOf(worth)));
  return inOrderOfWorth(released.filter(({ worth }) => worths.indexOf(worth) === most))[0];
}

/** The folder of finished clips. */
export interface ClipShelf {
  readonly directory: string;
  all(): readonly ShelvedClip[];
  sizeBytes(): number;
  pathOf(clip: Pick<ShelvedClip, 'name'>): string;
  /** Gives a finished file, safe on the disk, its name; the name is safe when it resolves. */
  add(temporary: string, clip: Omit<ShelvedClip, 'name'>): Promise<void>;
  /** Lets the clips of an episode be uploaded, their times moved by `shiftUs`; not safe from a power cut before `sync`. Again changes nothing. */
  release(episodeId: string, shiftUs: number): Promise<void>;
  sync(): Promise<void>;
  /** Takes clips off the shelf and frees their bytes; needs no free space. Their names stay until `forget`. */
  empty(clips: readonly ShelvedClip[]): Promise<void>;
  forget(clips: readonly Pick<ShelvedClip, 'name'>[]): Promise<void>;
  /** Clips that were emptied when the agent stopped. */
  readonly emptied: readonly ShelvedClip[];
}

/** Opens the folder; what is no finished clip is deleted. */
export async function openClipShelf(directory: string): Promise<ClipShelf> {
  const clips = new Map<string, ShelvedClip>();
  const emptied: ShelvedClip[] = [];
  for (const name of await namesIn(directory)) {
    const parsed = parseName(name);
    if (parsed === undefined) {
      await removeFile(path.join(directory, name));
      continue;
    }
    const clip = { ...parsed, sizeBytes: (await stat(path.join(directory, name))).size };
    if (clip.sizeBytes === 0) emptied.push(clip);
    else clips.set(name, clip);
  }
  const pathOf = ({ name }: { readonly name: string }): string => path.join(directory, name);

  return {
    directory,
    emptied,
    pathOf,
    all: () => [...clips.values()],
    sizeBytes: () => [...clips.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    async add(temporary, unnamed) {
      const clip = { ...unnamed, name: clipName(unnamed) };
      await rename(temporary, pathOf(clip));
      clips.set(clip.name, clip);
      await syncDirectory(directory);
    },
    async release(episodeId, shiftUs) {
      for (const clip of clips.values()) {
        if (clip.episodeId !== episodeId || clip.isReleased) continue;
        const startedAtUs = Math.max(0, clip.startedAtUs + shiftUs);
        const name = clipName({ ...clip, startedAtUs, isReleased: true });
        await rename(pathOf(clip), pathOf({ name }));
        clips.delete(clip.name);
        clips.set(name, { ...clip, name, startedAtUs, isReleased: true });
      }
    },
    sync: () => syncDirectory(directory),
    async empty(chosen) {
      for (const { name } of chosen) clips.delete(name);
      for (const clip of chosen) await truncate(pathOf(clip), 0);
    },
    async forget(chosen) {
      for (const { name } of chosen) clips.delete(name);
      for (const clip of chosen) await removeFile(pathOf(clip));
    },
  };
}
