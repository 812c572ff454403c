import type { ClipAppearance } from '../../datasets/media/clip-appearance.ts';
import type { ClipCodec } from '../../datasets/media/clip-format.ts';
import type { Progress } from './progress.ts';

/** How decoded images are written: JPEG for training sets, 3 bytes a pixel for models. */
export type ImageForm = 'jpeg' | 'rgb';

export interface DecodeJob {
  readonly clipPath: string;
  /** A new file that gets the images, one after another. */
  readonly outPath: string;
  /** Pixels that every image is scaled to, whatever its proportions. */
  readonly width: number;
  readonly height: number;
  readonly form: ImageForm;
  /** Places of the images wanted, ascending, from 0; not there: all. */
  readonly images?: readonly number[];
  /** Only the images that these frames see are wanted; they have the same bytes as among all. */
  readonly frames?: FrameTimes;
}

/** Instants of frames, microseconds after a clip's first image, and how long after an image its camera takes the next. */
export interface FrameTimes {
  readonly instants: readonly number[];
  readonly periodUs: number;
}

/** Images in the order of their times. */
export interface DecodedClip {
  readonly codec: ClipCodec;
  /** Pixels as recorded. */
  readonly width: number;
  readonly height: number;
  /** Microseconds after the clip's first image, of each image that was wanted. */
  readonly atUs: readonly number[];
  /** Bytes of each. */
  readonly sizes: readonly number[];
}

/** What the images of a clip look like, of all of them. */
export interface ClipLook {
  readonly codec: ClipCodec;
  readonly width: number;
  readonly height: number;
  readonly atUs: readonly number[];
  /** Images of which no part is brighter than 16 of 255. */
  readonly dark: number;
  /** Images that equal the one before, but for a mean difference of 0.1 of 255. */
  readonly unchanged: number;
  /** Of all images at 64 × 48 pixels, or in their own size where that is smaller. */
  readonly appearance: ClipAppearance;
}

/**
 * Decodes clips that strangers sent, keeping the worker safe from them: whatever a clip does ends as a ClipError of it, never as a dead or
 * hanging worker. A clip whose codec this machine has no decoder for is no fault of the clip: `DecoderMissing`. Throws what `progress` throws.
 */
export interface ClipDecoder {
  /** What the images of large clips go through, for the record; not there: nothing but sharp. */
  readonly largeClipsThrough?: string;
  decode(job: DecodeJob, progress: Progress): Promise<DecodedClip>;
  look(clipPath: string, progress: Progress): Promise<ClipLook>;
}

export interface ClipPorts {
  readonly decoder: ClipDecoder;
  /** Clips that are decoded at the same time. */
  readonly atOnce: number;
}
