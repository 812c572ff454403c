import path from 'node:path';

import { removeFile, syncDirectory } from '../local/durable-files.ts';
import type { AtPoint } from '../local/kill-points.ts';
import type { MonotonicClock } from '../local/times.ts';
import { createQueue } from '../local/waiting.ts';
import { NoClip, type ClipMaker } from './clip-maker.ts';
import type { ClipShelf } from './clip-shelf.ts';
import type { ImageDropReason, ImageDrops } from './image-drops.ts';
import { countImages } from './image-log.ts';
import type { WaitingLog } from './waiting-logs.ts';

export interface ClipWorkPorts {
  readonly maker: ClipMaker;
  /** Of the logs. */
  readonly directory: string;
  readonly shelf: ClipShelf;
  readonly drops: Pick<ImageDrops, 'add' | 'addFiles' | 'deleted'>;
  readonly limits: { readonly clipIdleMs: number; readonly clipWaitMs: number; readonly imageQuotaBytes: number };
  /** Frees so many bytes of the disk, if images can. */
  readonly makeRoom: (bytes: number) => Promise<void>;
  readonly newId: () => string;
  readonly monotonic: MonotonicClock;
  readonly at: AtPoint;
  readonly log: (line: string) => void;
}

/** Makes clips of finished logs, one after the other. */
export interface ClipWork {
  add(log: WaitingLog): void;
  /** Whether logs of an episode wait: its segment does too. */
  readonly isPending: (episodeId: string) => boolean;
  readonly sizeBytes: () => number;
  readonly count: () => number;
  /**
   * Makes the next clip if it is time: when the robot is at rest, the log has waited long enough or logs fill the disk; at once if `now`. False when there
   * was nothing to do. A log of which no clip can be made is counted and deleted, so that its episode waits no longer.
   */
  next(options: { readonly isIdle: boolean; readonly now?: boolean; readonly signal: AbortSignal }): Promise<boolean>;
}

/** A log of which the maker could not make a clip so often has none. */
const mostAttempts = 2;

export function createClipWork(ports: ClipWorkPorts, left: readonly WaitingLog[]): ClipWork {
  const { limits, monotonic } = ports;
  const waiting = new Map(left.map((log) => [log.name, log]));
  const attempts = new Map<string, number>();
  const oneAfterTheOther = createQueue();
  const sizeBytes = (): number => [...waiting.values()].reduce((sum, log) => sum + log.sizeBytes, 0);
  const done = (log: WaitingLog): void => {
    waiting.delete(log.name);
    attempts.delete(log.name);
  };

  /** Since when the robot has been idle, as far as anybody asked; a moment between two episodes is none. */
  let idleSinceMs: number | undefined;

  function isAtRest(isIdle: boolean): boolean {
    idleSinceMs = isIdle ? (idleSinceMs ?? monotonic()) : undefined;
    return idleSinceMs !== undefined && monotonic() - idleSinceMs >= limits.clipIdleMs;
  }

  const isUrgent = (log: WaitingLog): boolean =>
    monotonic() - log.sinceMs >= limits.clipWaitMs || sizeBytes() > limits.imageQuotaBytes / 2;

  async function makeOrGiveUp(log: WaitingLog, signal: AbortSignal): Promise<void> {
    const attempt = (attempts.get(log.name) ?? 0) + 1;
    attempts.set(log.name, attempt);
    try {
      await makeClip(ports, log, signal);
    } catch (cause) {
      if (signal.aborted) {
        attempts.delete(log.name);
        throw cause;
      }
      const isFull = isDiskFull(cause);
      ports.log(`no clip was made: ${cause instanceof Error ? cause.message : String(cause)} [log=${log.name}]`);
      if (isFull) await ports.makeRoom(log.sizeBytes);
      if (!(cause instanceof NoClip) && attempt < mostAttempts) return;
      await giveUp(ports, log, isFull ? 'diskFull' : 'notMade');
    }
    done(log);
  }

  return {
    add: (log) => void waiting.set(log.name, log),
    isPending: (episodeId) => [...waiting.values()].some((log) => log.episodeId === episodeId),
    sizeBytes,
    count: () => waiting.size,
    next: ({ isIdle, now = false, signal }) =>
      oneAfterTheOther(async () => {
        const isRested = isAtRest(isIdle);
        const [log] = waiting.values();
        if (log === undefined || !(now || isRested || isUrgent(log))) return false;
        await makeOrGiveUp(log, signal);
        return true;
      }),
  };
}

async function makeClip(ports: ClipWorkPorts, log: WaitingLog, signal: AbortSignal): Promise<void> {
  const { maker, directory, shelf, drops, newId, at } = ports;
  const { episodeId, camera, spool, worth } = log;
  const file = path.join(directory, log.name);
  const isThere = shelf.all().some((clip) => clip.episodeId === episodeId && clip.camera === camera);
  if (!isThere) {
    // A name of its own for each attempt: what a dead process started may still write to another.
    const temporary = path.join(shelf.directory, `${episodeId}.${camera}.${newId()}.tmp`);
    const made = await maker.make(file, temporary, signal);
    at('clip.written');
    const { firstUs: startedAtUs, durationMs, images, sizeBytes, sha256, lostImages, problem } = made;
    const what = { spool, worth, episodeId, camera, startedAtUs, durationMs, images, sizeBytes, sha256 };
    await shelf.add(temporary, { ...what, isReleased: false });
    at('clip.named');
    if (lostImages > 0) drops.add('notMade', lostImages);
    if (problem !== undefined) ports.log(`a clip stays motion JPEG: ${problem} [camera=${camera}]`);
  }
  await removeFile(file);
  await syncDirectory(directory);
  at('images.removed');
}

/** Its episode goes on without these images. */
async function giveUp(
  { directory, drops }: ClipWorkPorts,
  { name }: WaitingLog,
  reason: ImageDropReason,
): Promise<void> {
  const file = path.join(directory, name);
  const counted = [{ name, images: await countImages(file).catch(() => 0) }];
  await drops.addFiles(reason, counted);
  await removeFile(file);
  drops.deleted(counted);
}

export const isDiskFull = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT');
