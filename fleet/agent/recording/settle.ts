import { isDiskFull } from '../images/clip-work.ts';
import type { EpisodeImages } from '../images/episode-images.ts';
import { createQueue } from '../local/waiting.ts';
import type { MonotonicClock } from '../local/times.ts';
import type { Drops } from './drops.ts';
import { segmentsToDrop, type SegmentShelf, type ShelvedSegment } from './segment-shelf.ts';
import type { Spooler } from './spooler.ts';

export interface SettlerPorts {
  readonly spooler: Pick<Spooler, 'current' | 'rotate' | 'sizeBytes'>;
  readonly isEpisodeOpen: () => boolean;
  readonly shelveFinished: () => Promise<void>;
  readonly shelf: Pick<SegmentShelf, 'all' | 'sizeBytes'>;
  readonly drops: Pick<Drops, 'drop'>;
  readonly images: Pick<EpisodeImages, 'holdQuota' | 'makeRoom' | 'drop' | 'shelf' | 'sizeBytes' | 'keep'>;
  readonly limits: {
    readonly rotateBytes: number;
    readonly rotateMs: number;
    readonly quotaBytes: number;
    readonly imageQuotaBytes: number;
  };
  readonly hasCameras: boolean;
  readonly monotonic: MonotonicClock;
}

export interface SettleOptions {
  readonly now?: boolean;
  readonly mayBeUploaded?: (name: string) => boolean;
  /** Name of the clip whose upload has begun. */
  readonly uploadingClip?: string | undefined;
}

/** Turns what is recorded into segments and holds the quotas, one step at a time. */
export interface Settler {
  /** Finishes the spool if it is due (or `now`), makes segments of finished spools and holds the quotas. Not in the middle of an episode. */
  settle(options?: SettleOptions): Promise<void>;
  /** Drops segments that no gateway will take; counted and reported. */
  giveUp(segments: readonly ShelvedSegment[]): Promise<void>;
  /** The disk takes no numbers any more: images make room at the next `settle`. */
  noRoom(): void;
}

/** Freed at once on a full disk: minutes of frames. */
const roomBytes = 64 * 1024 * 1024;

export function createSettler(ports: SettlerPorts): Settler {
  const { spooler, shelf, drops, images, limits, monotonic } = ports;
  const oneAfterTheOther = createQueue();
  let startedMs = monotonic();
  let isDiskShort = false;

  async function rotateIfDue(now: boolean): Promise<void> {
    const isDue = now || spooler.current().sizeBytes() >= limits.rotateBytes;
    if (!isDue && monotonic() - startedMs < limits.rotateMs) return;
    await spooler.rotate(() => !ports.isEpisodeOpen());
    startedMs = monotonic();
  }

  /** A segment goes, and with it the clips of its episodes. */
  async function dropSegments(segments: readonly ShelvedSegment[]): Promise<void> {
    const isOf = (clip: { readonly spool: string; readonly worth: string }): boolean =>
      segments.some(({ name }) => name.startsWith(`${clip.spool}.${clip.worth}.`));
    await images.drop('episodeDropped', images.shelf.all().filter(isOf));
    await drops.drop(segments);
  }

  /** Clips go first, then segments. */
  async function holdQuotas({ mayBeUploaded, uploadingClip }: SettleOptions): Promise<void> {
    await images.holdQuota(uploadingClip);
    const imageRoomBytes = ports.hasCameras ? Math.max(0, limits.imageQuotaBytes - images.sizeBytes()) : 0;
    const excessBytes = spooler.sizeBytes() + shelf.sizeBytes() - limits.quotaBytes - imageRoomBytes;
    if (excessBytes > 0) await dropSegments(segmentsToDrop(shelf.all(), excessBytes, mayBeUploaded));
  }

  return {
    settle: (options = {}) =>
      oneAfterTheOther(async () => {
        if (isDiskShort) await images.makeRoom(roomBytes, options.uploadingClip);
        isDiskShort = false;
        try {
          await rotateIfDue(options.now ?? false);
          await ports.shelveFinished();
        } catch (cause) {
          isDiskShort = isDiskFull(cause);
          throw cause;
        }
        await holdQuotas(options);
        await images.keep();
      }),
    giveUp: (segments) => oneAfterTheOther(() => dropSegments(segments)),
    noRoom() {
      isDiskShort = true;
    },
  };
}
