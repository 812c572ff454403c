import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { camerasOf } from '../../../datasets/camera.ts';
import type { KeptEntry } from '../recording/spool-record.ts';
import { worthOfEntry } from '../recording/spooled-episodes.ts';
import { NoClip, type ClipMaker } from './clip-maker.ts';
import { clipsToDrop, openClipShelf, type ClipShelf, type ShelvedClip } from './clip-shelf.ts';
import { createClipWork, type ClipWork } from './clip-work.ts';
import { openImageDrops, type ImageDropReason, type ImageDrops } from './image-drops.ts';
import { createImageRecorder, type ImageRecorder, type ImageRecorderPorts } from './image-recorder.ts';
import { leftLogs, type EpisodePlace } from './waiting-logs.ts';

export interface ImageLimits {
  /** Most bytes of images and clips that wait on the disk. Numbers take of it what they need beyond their own quota. */
  readonly imageQuotaBytes: number;
  /** A larger image is dropped. */
  readonly maxImageBytes: number;
  /** How long a robot has been idle, with no episode open, when clips are made, milliseconds. */
  readonly clipIdleMs: number;
  /** How long the images of an ended episode wait for that before a clip is made of them all the same, milliseconds. */
  readonly clipWaitMs: number;
}

export interface EpisodeImagesPorts extends Pick<
  ImageRecorderPorts,
  'robotType' | 'instant' | 'monotonic' | 'sync' | 'at' | 'log'
> {
  /** Of the robot. */
  readonly directory: string;
  readonly clipMaker: ClipMaker | undefined;
  readonly limits: ImageLimits;
  readonly newId: () => string;
  /** Bytes of numbers beyond their own quota. */
  readonly excessBytes: () => number;
  /** Ended episodes that no segment holds yet. */
  readonly episodes: ReadonlyMap<string, EpisodePlace>;
}

/** The images of a robot, from the camera to the clip that waits for its upload. */
export interface EpisodeImages extends Pick<ImageRecorder, 'add' | 'begun' | 'sync'> {
  /** The open episode is over; without an entry there was none. Its images are safe from a power cut when it resolves. */
  ended(kept: KeptEntry | undefined, spool: string): Promise<void>;
  readonly makeNext: ClipWork['next'];
  /** Whether images of an episode wait to become clips. */
  readonly isPending: (episodeId: string) => boolean;
  readonly clipsOf: (episodeId: string) => readonly ShelvedClip[];
  readonly shelf: Pick<ClipShelf, 'all' | 'pathOf' | 'release' | 'sync'>;
  readonly sizeBytes: () => number;
  /** Clips, and logs that will be clips. */
  readonly waitingClips: () => number;
  /** Images that are lost, by reason. */
  readonly dropped: () => Readonly<Record<string, number>>;
  /** Gives up clips until all images take at most the quota; `uploading` is spared. */
  holdQuota(uploading: string | undefined): Promise<void>;
  /** Frees so many bytes of a full disk, if images can. */
  makeRoom(bytes: number, uploading: string | undefined): Promise<void>;
  drop(reason: ImageDropReason, clips: readonly ShelvedClip[]): Promise<void>;
  /** A gateway has it. */
  uploaded(clip: ShelvedClip): Promise<void>;
  /** Puts what is counted on the disk. */
  keep(): Promise<void>;
  close(): void;
}

/** Of what the wire carries as a clip; the rest is for its table of images. */
const maxLogBytes = 1_000_000_000;
/** Clips go before new images find no room. */
const clipsShare = 7 / 8;

/** Opens a robot's images; what a dead process left is made whole first. */
export async function openEpisodeImages(ports: EpisodeImagesPorts): Promise<EpisodeImages> {
  const { limits, monotonic, log, excessBytes } = ports;
  const [directory, clips] = ['images', 'clips'].map((name) => path.join(ports.directory, name)) as [string, string];
  for (const folder of [directory, clips]) await mkdir(folder, { recursive: true });
  const drops = await openImageDrops(path.join(ports.directory, 'images-dropped.json'), log);
  const shelf = await openClipShelf(clips);
  await forgetDropped(shelf, drops);
  const hasClip = (episodeId: string, camera: string): boolean =>
    shelf.all().some((clip) => clip.episodeId === episodeId && clip.camera === camera);
  const left = await leftLogs({ directory, episodes: ports.episodes, hasClip, drops, nowMs: monotonic() });
  const maker = ports.clipMaker ?? noClipMaker;
  const drop = async (reason: ImageDropReason, chosen: readonly ShelvedClip[]): Promise<void> => {
    if (chosen.length === 0) return;
    await shelf.empty(chosen);
    await drops.addFiles(reason, chosen);
    await shelf.forget(chosen);
    drops.deleted(chosen);
    log(`${chosen.length} clips are given up and counted: ${reason}`);
  };
  const makeRoom = (bytes: number, uploading?: string): Promise<void> =>
    drop('diskFull', clipsToDrop(shelf.all(), bytes, uploading));
  const work = createClipWork({ ...ports, maker, directory, shelf, drops, makeRoom }, left);
  const quotaBytes = (): number => Math.max(0, limits.imageQuotaBytes - excessBytes());
  const sizeBytes = (): number => recorder.sizeBytes() + work.sizeBytes() + shelf.sizeBytes();
  const recorder = createImageRecorder({
    ...ports,
    directory,
    limits: { ...limits, maxClipBytes: maxLogBytes },
    roomBytes: () => quotaBytes() - sizeBytes(),
    isRecording: ports.clipMaker !== undefined,
    drops,
  });
  tellProblem(ports);

  return {
    add: (camera, bytes, atUs) => recorder.add(camera, bytes, atUs),
    begun: () => recorder.begun(),
    sync: () => recorder.sync(),
    async ended(kept, spool) {
      if (kept?.entry.kind !== 'episode') return recorder.discard();
      const { logs, synced } = recorder.finish();
      const place = { spool, worth: worthOfEntry(kept.entry) };
      for (const each of logs) work.add({ ...each, ...place, sinceMs: monotonic() });
      await synced;
    },
    makeNext: (options) => work.next(options),
    isPending: work.isPending,
    clipsOf: (episodeId) => shelf.all().filter((clip) => clip.episodeId === episodeId),
    shelf,
    sizeBytes,
    waitingClips: () => shelf.all().length + work.count(),
    dropped: drops.counts,
    async holdQuota(uploading) {
      const excess = sizeBytes() - quotaBytes() * clipsShare;
      if (excess > 0) await drop('quota', clipsToDrop(shelf.all(), excess, uploading));
    },
    makeRoom,
    drop,
    uploaded: (clip) => shelf.forget([clip]),
    keep: () => drops.keep(),
    close: () => recorder.close(),
  };
}

/** Finishes what a dead process began to drop. */
async function forgetDropped(shelf: ClipShelf, drops: ImageDrops): Promise<void> {
  await drops.addFiles('quota', shelf.emptied);
  await shelf.forget(shelf.emptied);
  drops.deleted(shelf.emptied);
}

/** Says once what the robot lacks; nobody waits for it. */
function tellProblem({ clipMaker, robotType, log }: EpisodeImagesPorts): void {
  const cameras = camerasOf(robotType);
  if (cameras.length === 0) return;
  if (clipMaker === undefined)
    return log('images are not recorded: expected an agent with a maker of clips, got one without');
  const tell = (problem: string | undefined): void => {
    if (problem !== undefined) log(problem);
  };
  clipMaker.check(cameras).then(tell, (cause: unknown) => log(String(cause)));
}

/** Of logs that an agent with a maker left. */
const noClipMaker: ClipMaker = {
  check: async () => undefined,
  make: async () => {
    throw new NoClip('expected an agent with a maker of clips, got one without');
  },
};
