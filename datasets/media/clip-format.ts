/** Units a second of every time in a clip that Flywheel writes: microseconds. */
export const clipTimescale = 1_000_000;
/** Bytes of a clip at most. At 1.5 MB a second, which is motion JPEG of 640 × 480 at 30 Hz, it lasts 11 minutes. */
export const maxClipBytes = 1024 * 1024 * 1024;
/** Images of a clip at most: 111 minutes at 30 a second, 13 at 240. */
export const maxClipImages = 200_000;
/** Bytes of one image at most. */
export const maxImageBytes = 64 * 1024 * 1024;
/** Pixels along a side of a clip at most. */
export const maxClipSide = 4096;
/** Time from the first image to the last at most, in seconds. */
export const maxClipSeconds = 86_400;

export type ClipCodec = 'jpeg' | 'h264' | 'av1';

/**
 * What is wrong with a clip, from its table: `notMp4` no such file at all, `truncated` cut off, `damaged` contradicts itself, `unsupported` sound but not
 * of our kind, `tooLarge` over a limit; from decoding it: `undecodable`, `otherSize` its images are not of the size it says, `timeLimit`,
 * `memoryLimit` or `crashed` the process that decoded it ended so.
 */
export type ClipFault =
  | 'notMp4'
  | 'truncated'
  | 'damaged'
  | 'unsupported'
  | 'tooLarge'
  | 'undecodable'
  | 'otherSize'
  | 'timeLimit'
  | 'memoryLimit'
  | 'crashed';

/** The one error of a clip that cannot be written, read or decoded; the message says what was expected and what was got. */
export class ClipError extends Error {
  readonly fault: ClipFault;

  constructor(fault: ClipFault, message: string) {
    super(message);
    this.name = 'ClipError';
    this.fault = fault;
  }
}
