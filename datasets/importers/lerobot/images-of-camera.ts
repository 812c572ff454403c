import type { SourceEpisode } from '../source-episode.ts';
import type { MappedCamera } from './mapped-cameras.ts';
import type { EpisodeMeta } from './meta.ts';

/** Why the images of an episode by a camera are not taken, as they are counted: as one video, or image by image. */
export interface Untaken {
  readonly what: 'video' | 'image';
  readonly reasons: ReadonlyMap<string, number>;
}

export interface CutImages {
  /** Instants of the clip's images after its first one, µs. */
  readonly atUs: readonly number[];
  /** Whether a change in what they came from makes another import. */
  readonly isLasting: boolean;
}

/** The images of an episode by one camera, an image for each of its rows. */
export interface FoundImages {
  /** Decodes them, and codes them as a clip in a new file. */
  cut(outPath: string): Promise<CutImages | Untaken>;
}

export interface FilmedEpisode {
  readonly episode: SourceEpisode;
  readonly index: number;
  readonly meta: EpisodeMeta;
}

/** Finds the images of episodes by one camera. Nothing is decoded before they are cut. */
export interface ImagesOfCamera {
  readonly of: MappedCamera;
  find(filmed: FilmedEpisode): Promise<FoundImages | Untaken>;
  untaken(reason: string, episode: SourceEpisode): Untaken;
}

export const isUntaken = (value: object): value is Untaken => 'reasons' in value;
