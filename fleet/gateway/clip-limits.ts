import { statfs } from 'node:fs/promises';

import type { ObjectStore } from '../../store/object-store.ts';
import { erasedClips, type ToldClip } from '../../store/records/erased-clips.ts';
import { wireLimits } from '../protocol/index.ts';
import type { StoreRoom } from './store-room.ts';
import { Turns } from './turns.ts';
import { UnfinishedClips } from './unfinished-clips.ts';
import { UploadShares } from './upload-shares.ts';
import { WireError } from './wire-error.ts';
import type { WriteStrain } from './write-strain.ts';

export interface ClipSettings {
  /** Parts that are received at a time, of all robots. */
  readonly maxParts: number;
  /** Unfinished clips of one robot. */
  readonly maxUnfinished: number;
  readonly leastFreeBytes: number;
  /** A write of telemetry that takes longer makes clips wait. */
  readonly slowWriteMs: number;
}

/** Parts of one robot that are received at a time: it sends one after the other, and an answer may be on its way. */
const maxRobotParts = 2;
/** Writes to the store at a time: each syncs its file, and telemetry syncs on the same disk. */
const maxWrites = 1;
/**
 * Pieces of clips that are written to scratch at a time. A disk that is full of unwritten data holds up who writes, and with him the thread
 * that he has of the process's four: heartbeats, orders and telemetry need theirs.
 */
const maxPieces = 1;
/** Clips that are put together at a time: each takes its whole size of scratch. */
const maxCompletions = 2;
/**
 * Small clips wait for their turn, so many at a time and as long as all are together no larger than a part: they are through long
 * before who is refused may ask again. A fleet of short episodes would otherwise bring two clips in five seconds.
 */
const maxWaitingCompletions = 16;
/** Who is refused for want of a turn asks again after this time. */
const busyRetryMs = 5_000;
const fullRetryMs = 60_000;

/** What clips may take of this gateway: they come last, after orders, telemetry and segments. */
export interface ClipLimits {
  readonly bodies: UploadShares;
  /** For writes to the store; one that has its turn first lets the telemetry that is being written be through. */
  readonly writes: Pick<Turns, 'run'>;
  /** For pieces of scratch files; never held while waiting for one of `writes`. */
  readonly disk: Turns;
  readonly unfinished: UnfinishedClips;
  readonly wasErased: (clip: ToldClip) => Promise<boolean>;
  /** `overloaded` when as many parts are being received as may, or what robots wait for takes long to write. */
  checkTurn(): void;
  /** `storeFull` when that many more bytes would leave too little room. */
  checkRoom(sizeBytes: number): Promise<void>;
  /** Puts one clip of so many bytes together, or throws `overloaded`; never the same one twice at a time. A small one may wait for its turn. */
  complete<Result>(clip: string, sizeBytes: number, work: () => Promise<Result>): Promise<Result>;
}

interface Ports {
  readonly store: ObjectStore;
  readonly room: StoreRoom;
  readonly strain: Pick<WriteStrain, 'isHigh' | 'settled'>;
  readonly scratchDirectory: string;
  readonly freeBytes?: () => Promise<number>;
}

export function clipLimits(ports: Ports, { maxParts, maxUnfinished, leastFreeBytes }: ClipSettings): ClipLimits {
  const { store, room, strain, freeBytes = () => freeBytesOf(ports.scratchDirectory) } = ports;
  const { partBytes } = wireLimits;
  const bodies = new UploadShares({
    maxBytes: maxParts * partBytes,
    maxOpen: maxParts,
    maxRobotBytes: maxRobotParts * partBytes,
    maxRobotOpen: maxRobotParts,
    retryAfterMs: busyRetryMs,
  });
  /** Bytes of the clips that are put together or wait for it. */
  const completing = new Map<string, number>();
  const completions = new Turns(maxCompletions);
  const writes = new Turns(maxWrites);
  const mayWait = (sizeBytes: number): boolean =>
    completing.size < maxCompletions + maxWaitingCompletions &&
    [...completing.values()].reduce((sum, bytes) => sum + bytes, sizeBytes) <= partBytes;
  const checkStrain = (): void => {
    if (strain.isHigh) throw busy('telemetry waits for the disk, and clips come last');
  };
  return {
    bodies,
    writes: {
      run: (work) =>
        writes.run(async () => {
          await strain.settled();
          return work();
        }),
    },
    disk: new Turns(maxPieces),
    unfinished: new UnfinishedClips(store, maxUnfinished),
    wasErased: erasedClips(store),
    checkTurn: () => {
      checkStrain();
      if (bodies.open >= maxParts) throw busy('as many parts of clips are on their way as may be');
    },
    checkRoom: async (sizeBytes) => {
      if (!room.isFull && (await freeBytes()) - sizeBytes >= leastFreeBytes) return;
      throw new WireError(
        'storeFull',
        'there is little room left, and clips come last; keep them until there is more',
        {
          retryAfterMs: fullRetryMs,
        },
      );
    },
    complete: async (clip, sizeBytes, work) => {
      checkStrain();
      if (completing.has(clip)) throw busy('this clip is being put together');
      if (completing.size >= maxCompletions && !mayWait(sizeBytes))
        throw busy('as many clips are being put together as may be');
      completing.set(clip, sizeBytes);
      try {
        return await completions.run(work);
      } finally {
        completing.delete(clip);
      }
    },
  };
}

const busy = (why: string): WireError =>
  new WireError('overloaded', `${why}; try again later`, { retryAfterMs: busyRetryMs });

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
