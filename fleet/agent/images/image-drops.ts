import { z } from 'zod';

import { dictionary } from '../../../domain/dictionary.ts';
import { readJson, replaceJson } from '../local/durable-files.ts';
import { createQueue } from '../local/waiting.ts';

/** Why an image that the robot's program gave is not in the lake, and never will be. */
export const imageDropReasons = [
  /** No episode was open, and none began within two periods of the camera. */
  'outsideEpisode',
  /** The episode ended without a frame. */
  'noFrames',
  /** The segment of its episode was given up. */
  'episodeDropped',
  /** The camera's images may not leave the robot. */
  'mayNotLeave',
  'tooLarge',
  /** More than twice the camera's rate. */
  'tooMany',
  /** The episode's clip can hold no more. */
  'clipFull',
  /** The disk quota of images. */
  'quota',
  'diskFull',
  'diskError',
  /** The agent runs without what makes clips. */
  'noClipMaker',
  /** No clip could be made of it. */
  'notMade',
  /** Its clip was damaged on the robot's disk. */
  'damaged',
  /** No gateway takes its clip. */
  'refused',
] as const;
export type ImageDropReason = (typeof imageDropReasons)[number];

const keptSchema = z.object({
  counts: z.array(z.tuple([z.enum(imageDropReasons).catch('notMade'), z.int().min(0)])),
  /** Clips that are in the counts and may still lie on the disk. */
  lastFiles: z.array(z.string()),
});

/** Images that are lost, by reason, since the disk was new; what a process counted since its last `keep` goes with its sudden death. */
export interface ImageDrops {
  /** Cheap; never throws. */
  add(reason: ImageDropReason, images?: number): void;
  /** Counts files that will be deleted once, whatever dies when; on disk when it resolves. */
  addFiles(
    reason: ImageDropReason,
    files: readonly { readonly name: string; readonly images: number }[],
  ): Promise<void>;
  /** Files that were counted are deleted. */
  deleted(files: readonly { readonly name: string }[]): void;
  readonly counts: () => Readonly<Record<string, number>>;
  /** Puts new counts on the disk; never throws. */
  keep(): Promise<void>;
}

export async function openImageDrops(file: string, log: (line: string) => void): Promise<ImageDrops> {
  const kept = await readJson(file, keptSchema);
  const counts = new Map<ImageDropReason, number>(kept?.counts);
  const lastFiles = new Set(kept?.lastFiles);
  let isKept = true;
  let isFailing = false;
  const oneAfterTheOther = createQueue();

  function add(reason: ImageDropReason, images = 1): void {
    if (images === 0) return;
    counts.set(reason, (counts.get(reason) ?? 0) + images);
    isKept = false;
  }
  const write = (): Promise<void> =>
    oneAfterTheOther(async () => {
      isKept = true;
      try {
        await replaceJson(file, { counts: [...counts], lastFiles: [...lastFiles] });
      } catch (cause) {
        isKept = false;
        throw cause;
      }
    });

  return {
    add,
    async addFiles(reason, files) {
      const uncounted = files.filter(({ name }) => !lastFiles.has(name));
      for (const { images } of uncounted) add(reason, images);
      if (uncounted.length === 0) return;
      for (const { name } of uncounted) lastFiles.add(name);
      await write();
    },
    deleted(files) {
      for (const { name } of files) if (lastFiles.delete(name)) isKept = false;
    },
    counts: () => dictionary(counts),
    async keep() {
      if (isKept) return;
      try {
        await write();
        isFailing = false;
      } catch (cause) {
        if (!isFailing) log(`the count of lost images is not on the disk: ${String(cause)}`);
        isFailing = true;
      }
    },
  };
}
