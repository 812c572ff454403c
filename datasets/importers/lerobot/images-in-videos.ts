import type { SourceEpisode } from '../source-episode.ts';
import type { Tally } from '../tally.ts';
import type { CutImages, FilmedEpisode, FoundImages, ImagesOfCamera, Untaken } from './images-of-camera.ts';
import type { MappedCamera } from './mapped-cameras.ts';
import type { VideoFiles } from './video-files.ts';
import { partOf, type FoundPart } from './video-part.ts';
import { VideoProblem, type VideoSource } from './video-source.ts';

interface VideosInput {
  readonly files: VideoFiles;
  readonly source: VideoSource;
  readonly fps: number;
  readonly tally: Tally;
}

/** The images of a camera whose feature is videos: a part of a file that may hold many episodes. */
export class ImagesInVideos implements ImagesOfCamera {
  readonly of: MappedCamera;
  /** Of its feature among those of `files`. */
  readonly #place: number;
  readonly #input: VideosInput;

  constructor(of: MappedCamera, place: number, input: VideosInput) {
    this.of = of;
    this.#place = place;
    this.#input = input;
  }

  untaken(reason: string): Untaken {
    return { what: 'video', reasons: new Map([[reason, 1]]) };
  }

  async find({ episode, index, meta }: FilmedEpisode): Promise<FoundImages | Untaken> {
    const { files, fps, tally } = this.#input;
    const file = await files.find(this.#place, index, meta);
    if (typeof file === 'string') return this.untaken(file);
    const { camera } = this.of;
    const { width, height } = file.found;
    if (width !== camera.width || height !== camera.height)
      return this.untaken(
        `images of ${width} × ${height} pixels, where camera ${camera.name} has ${camera.width} × ${camera.height}`,
      );
    const part = partOf(file.found, { times: meta.videos?.[this.#place], rows: episode.at.rows, fps });
    if (typeof part === 'string') return this.untaken(part);
    if (meta.videos === undefined && part.behind > 0) tally.handled('imagesBehindTheLastRow', part.behind);
    return { cut: (outPath) => this.#cut(file.path, part, episode, outPath) };
  }

  async #cut(
    path: string,
    { fromUs }: FoundPart,
    { at: { rows: images } }: SourceEpisode,
    outPath: string,
  ): Promise<CutImages | Untaken> {
    try {
      const atUs = await this.#input.source.cut({ ...this.of.camera, path, outPath, fromUs, images });
      return { atUs, isLasting: true };
    } catch (error) {
      if (error instanceof VideoProblem) return this.untaken(error.message);
      throw error;
    }
  }
}
