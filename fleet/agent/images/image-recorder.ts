import path from 'node:path';
import { rmSync } from 'node:fs';

import { camerasOf, type Camera } from '../../../datasets/camera.ts';
import { maxClipImages, maxClipSeconds } from '../../../datasets/media/clip-format.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { syncDirectory } from '../local/durable-files.ts';
import type { AtPoint } from '../local/kill-points.ts';
import type { MonotonicClock } from '../local/times.ts';
import type { SyncDescriptor } from '../recording/append-only-file.ts';
import type { ImageDropReason, ImageDrops } from './image-drops.ts';
import { imageFormatOf, type ImageFormat } from './image-format.ts';
import { createImageLog, imageLogName, imageRecordBytes, type ImageLog } from './image-log.ts';

export interface ImageRecorderPorts {
  readonly robotType: RobotType;
  readonly directory: string;
  /** The open episode, and an instant by its clock; undefined while none is open. */
  readonly instant: (atUs: number | undefined) => { readonly episodeId: string; readonly atUs: number } | undefined;
  readonly monotonic: MonotonicClock;
  readonly limits: { readonly maxImageBytes: number; readonly maxClipBytes: number };
  /** Bytes that images may still take on the disk, the open episode's counted. */
  readonly roomBytes: () => number;
  /** False: no clip will ever be made of what is recorded. */
  readonly isRecording: boolean;
  readonly drops: Pick<ImageDrops, 'add'>;
  readonly sync: SyncDescriptor;
  readonly at: AtPoint;
  readonly log: (line: string) => void;
}

/** Writes the images of the open episode, each camera's to a log of its own. Nothing that goes wrong in it costs more than images. */
export interface ImageRecorder {
  /**
   * Written when it returns: survives the death of the process. Throws a TypeError for a camera that the robot type does not have and for what is no
   * image of it. Without an open episode the camera's last image waits for the next one.
   */
  add(camera: string, bytes: Uint8Array, atUs?: number): void;
  /** An episode was opened: images of just before belong to it. */
  begun(): void;
  /** Bytes of the open episode's logs. */
  readonly sizeBytes: () => number;
  /** Everything written survives a power cut when it resolves; an image that the disk does not take is no failure. */
  sync(): Promise<void>;
  /** The open episode is over: its logs are finished, and safe from a power cut once `synced` resolves. */
  finish(): FinishedLogs;
  /** The open episode is over and there is none: its images are lost. */
  discard(): void;
  /** Writes nothing more. */
  close(): void;
}

export interface FinishedLogs {
  readonly logs: readonly {
    readonly name: string;
    readonly episodeId: string;
    readonly camera: string;
    readonly sizeBytes: number;
  }[];
  readonly synced: Promise<void>;
}

/** An image that came while no episode was open. */
interface Early {
  readonly format: ImageFormat;
  readonly bytes: Uint8Array;
  readonly atUs: number | undefined;
  readonly monotonicMs: number;
}

interface OpenLog {
  readonly log: ImageLog;
  readonly firstUs: number;
  lastUs: number;
  /** Instants of the last images, as many as may come in a second; `next` is the oldest. */
  readonly recentUs: number[];
  next: number;
}

/** A program that is not checked may give anything as a name. */
const shortened = (name: unknown): string => String(name).slice(0, 63);

/** An image is of the frames of two periods after it. */
const periodsOfImage = 2;
/** Images per second, as a multiple of the camera's rate. */
const mostRate = 2;
/** Two images of a clip are less than 2³² µs apart. */
const longestGapUs = 2 ** 32 - 1;

export const createImageRecorder = (ports: ImageRecorderPorts): ImageRecorder => new LoggingRecorder(ports);

class LoggingRecorder implements ImageRecorder {
  readonly #ports: ImageRecorderPorts;
  readonly #cameras: ReadonlyMap<string, Camera>;
  readonly #early = new Map<string, Early>();
  #logs = new Map<string, OpenLog>();
  #episodeId: string | undefined;
  /** Since the last new log. */
  #folderSynced: Promise<void> | undefined = Promise.resolve();
  /** What is wrong with the disk is said once, not at every image. */
  #isFailing = false;

  constructor(ports: ImageRecorderPorts) {
    this.#ports = ports;
    this.#cameras = new Map(camerasOf(ports.robotType).map((camera) => [camera.name, camera]));
  }

  readonly sizeBytes = (): number => [...this.#logs.values()].reduce((sum, { log }) => sum + log.sizeBytes(), 0);

  add(name: string, bytes: Uint8Array, atUs?: number): void {
    const camera = this.#cameras.get(name);
    if (camera === undefined)
      throw new TypeError(
        `expected a camera of the robot type (${[...this.#cameras.keys()].join(', ') || 'it has none'}), got ${JSON.stringify(shortened(name))}`,
      );
    const format = imageFormatOf(camera, bytes);
    const { monotonic, limits, instant } = this.#ports;
    if (bytes.length > limits.maxImageBytes) return this.#drop('tooLarge');
    if (!camera.mayLeaveRobot) return this.#drop('mayNotLeave');
    if (!this.#ports.isRecording) return this.#drop('noClipMaker');
    const now = instant(atUs);
    if (now !== undefined) return this.#write(camera, { format, bytes }, now);
    if (this.#early.has(name)) this.#drop('outsideEpisode');
    // The program may use its buffer again.
    this.#early.set(name, { format, bytes: Uint8Array.from(bytes), atUs, monotonicMs: monotonic() });
  }

  begun(): void {
    const { instant, monotonic } = this.#ports;
    for (const [name, { atUs, monotonicMs, ...image }] of this.#early) {
      this.#early.delete(name);
      const camera = this.#cameras.get(name);
      const agoMs = monotonic() - monotonicMs;
      const now = instant(atUs);
      if (camera === undefined || now === undefined || agoMs > (periodsOfImage * 1000) / camera.rateHz)
        this.#drop('outsideEpisode');
      else this.#write(camera, image, atUs === undefined ? { ...now, atUs: now.atUs - Math.round(agoMs * 1000) } : now);
    }
  }

  sync(): Promise<void> {
    return this.#sync([...this.#logs.values()].map(({ log }) => log));
  }

  async #sync(logs: readonly ImageLog[]): Promise<void> {
    try {
      await (this.#folderSynced ??= syncDirectory(this.#ports.directory));
      await Promise.all(logs.map((each) => each.sync()));
    } catch (cause) {
      this.#folderSynced = undefined;
      if (!this.#isFailing) this.#ports.log(`images are not safe from a power cut yet: ${String(cause)}`);
      this.#isFailing = true;
    }
  }

  finish(): FinishedLogs {
    const logs = [...this.#logs].map(([camera, { log }]) => ({ camera, log }));
    const episodeId = this.#episodeId ?? '';
    this.#forget();
    const synced = this.#sync(logs.map(({ log }) => log)).then(() => logs.forEach(({ log }) => log.close()));
    return {
      logs: logs.map(({ camera, log: { file, sizeBytes } }) => ({
        name: path.basename(file),
        episodeId,
        camera,
        sizeBytes: sizeBytes(),
      })),
      synced,
    };
  }

  discard(): void {
    for (const { log } of this.#logs.values()) {
      log.close();
      this.#drop('noFrames', log.images());
      try {
        rmSync(log.file, { force: true });
      } catch (cause) {
        this.#ports.log(`images of no episode stay on the disk until the next start: ${String(cause)}`);
      }
    }
    this.#forget();
  }

  close(): void {
    for (const { log } of this.#logs.values()) log.close();
    this.#forget();
  }

  #forget(): void {
    this.#logs = new Map();
    this.#episodeId = undefined;
  }

  #drop(reason: ImageDropReason, images = 1): void {
    this.#ports.drops.add(reason, images);
  }

  #write(
    camera: Camera,
    { format, bytes }: Pick<Early, 'format' | 'bytes'>,
    { episodeId, atUs }: { readonly episodeId: string; readonly atUs: number },
  ): void {
    // A program may begin anew before the first frame of what it had begun.
    if (this.#episodeId !== episodeId) this.discard();
    this.#episodeId = episodeId;
    const open = this.#logs.get(camera.name);
    const instantUs = Math.max((open?.lastUs ?? -1) + 1, atUs);
    const problem = this.#problemOf(open, instantUs, bytes.length);
    if (problem !== undefined) return this.#drop(problem);
    try {
      const { log, recentUs, next } = open ?? this.#opened(camera, episodeId, instantUs);
      log.append(format, instantUs, bytes);
      this.#isFailing = false;
      this.#ports.at('image.written');
      const entry = this.#logs.get(camera.name);
      if (entry === undefined) return;
      entry.lastUs = instantUs;
      recentUs[next] = instantUs;
      entry.next = (next + 1) % recentUs.length;
    } catch (cause) {
      this.#failed(cause);
    }
  }

  #problemOf(open: OpenLog | undefined, atUs: number, sizeBytes: number): ImageDropReason | undefined {
    const { limits, roomBytes } = this.#ports;
    const recordBytes = imageRecordBytes(sizeBytes);
    if (open !== undefined) {
      if (atUs - (open.recentUs[open.next] ?? 0) < 1_000_000) return 'tooMany';
      const isFull =
        open.log.images() >= maxClipImages ||
        open.log.sizeBytes() + recordBytes > limits.maxClipBytes ||
        atUs - open.firstUs > maxClipSeconds * 1_000_000 ||
        atUs - open.lastUs > longestGapUs;
      if (isFull) return 'clipFull';
    }
    return recordBytes > roomBytes() ? 'quota' : undefined;
  }

  #opened(camera: Camera, episodeId: string, firstUs: number): OpenLog {
    const { directory, sync } = this.#ports;
    const log = createImageLog(path.join(directory, imageLogName(episodeId, camera.name)), episodeId, camera, sync);
    this.#folderSynced = undefined;
    const mostImages = Math.max(1, Math.ceil(mostRate * camera.rateHz));
    const opened = { log, firstUs, lastUs: -1, next: 0, recentUs: Array.from({ length: mostImages }, () => -1e6) };
    this.#logs.set(camera.name, opened);
    return opened;
  }

  #failed(cause: unknown): void {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    this.#drop(code === 'ENOSPC' || code === 'EDQUOT' ? 'diskFull' : 'diskError');
    if (!this.#isFailing)
      this.#ports.log(`an image was lost: ${cause instanceof Error ? cause.message : String(cause)}`);
    this.#isFailing = true;
  }
}
