import type { ClipCodec } from '../../media/clip-format.ts';

/** What a video file is, by its table of images and before anything is decoded. */
export interface FoundVideo {
  readonly width: number;
  readonly height: number;
  /** Instants of its images, ascending, µs. */
  readonly atUs: Float64Array;
}

export interface CutJob {
  readonly path: string;
  /** A new file that becomes the clip. */
  readonly outPath: string;
  /** Instant within the file behind that of the last image that is not wanted, and before that of the first one that is, µs; 0: from its start. */
  readonly fromUs: number;
  /** How many are wanted. */
  readonly images: number;
  /** Of the clip; an image of more pixels is not decoded. */
  readonly codec: ClipCodec;
  readonly width: number;
  readonly height: number;
  /** The file was made of the images of a recording, which are coded so; a video otherwise. */
  readonly stills?: 'png' | 'jpeg';
}

/** A video cannot be read or decoded: the message is a reason for people, without names of files. */
export class VideoProblem extends Error {
  override readonly name = 'VideoProblem';
}

/**
 * Reads the videos of a recording, which are strangers' bytes, outside of this process, with limits on time, memory and pixels. Whatever is wrong
 * with a video is a `VideoProblem`.
 */
export interface VideoSource {
  look(path: string): Promise<FoundVideo>;
  /** Decodes a part of a video and codes it as a clip, every image once; instants of the clip's images after its first one, µs. */
  cut(job: CutJob): Promise<readonly number[]>;
}
