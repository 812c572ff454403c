import type { Camera } from '../../../datasets/camera.ts';

/** A clip that lies at its place, safe from a power cut. */
export interface MadeClip {
  readonly images: number;
  /** Images of the log that cannot be decoded. */
  readonly lostImages: number;
  /** Instant of the first image by the clock of the log, µs. */
  readonly firstUs: number;
  /** From the first image to the end of the last. */
  readonly durationMs: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Why it is not coded as its camera says; undefined where it is. */
  readonly problem?: string | undefined;
}

/**
 * Makes clips of logs of images. On a robot outside the agent's process, with limits on time and memory and behind everything else:
 * `childClipMaker`.
 */
export interface ClipMaker {
  /** What the robot lacks to code as these cameras say; undefined where nothing. */
  check(cameras: readonly Camera[]): Promise<string | undefined>;
  /**
   * Makes the clip of a log at `target`, a file that does not exist; its camera is the one of the log. A name that begins with the target's may be
   * left beside it when it fails. Throws `NoClip` where the log holds no image that can be used, the signal's reason when it is aborted, and an error with
   * `code` ENOSPC on a full disk.
   */
  make(log: string, target: string, signal: AbortSignal): Promise<MadeClip>;
}

/** A log of which no clip can ever be made. */
export class NoClip extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NoClip';
  }
}
