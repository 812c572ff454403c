import { join } from 'node:path';

import { ImportError } from '../import-summary.ts';
import { refusePointer } from '../source-files.ts';
import type { SourceFile } from '../table.ts';
import type { LeRobotFeature, LeRobotInfo } from './info.ts';
import type { EpisodeMeta } from './meta.ts';
import { videoPathOf } from './video-path.ts';
import { VideoProblem, type FoundVideo, type VideoSource } from './video-source.ts';

/** The video files of a data set, each looked at once as long as episodes in a row are in it. */
export class VideoFiles {
  readonly #folder: string;
  readonly #info: LeRobotInfo;
  readonly #features: readonly LeRobotFeature[];
  readonly #source: VideoSource;
  readonly #last = new Map<number, { readonly name: string; readonly found: FoundVideo | string }>();

  constructor(folder: string, info: LeRobotInfo, features: readonly LeRobotFeature[], source: VideoSource) {
    this.#folder = folder;
    this.#info = info;
    this.#features = features;
    this.#source = source;
  }

  /** Every file that is there. */
  async all(episodes: ReadonlyMap<number, EpisodeMeta>): Promise<readonly SourceFile[]> {
    const names = new Set<string>();
    for (const [index, meta] of episodes)
      for (const place of this.#features.keys()) {
        const name = this.#nameOf(place, index, meta);
        if (name !== undefined) names.add(name);
      }
    const files: SourceFile[] = [];
    for (const name of names) {
      const path = join(this.#folder, name);
      if ((await problemOf(path)) === undefined) files.push({ path, name });
    }
    return files;
  }

  /** The file with the images of an episode by the camera at this place, or in words why there is none. */
  async find(
    place: number,
    index: number,
    meta: EpisodeMeta,
  ): Promise<{ readonly path: string; readonly found: FoundVideo } | string> {
    const name = this.#nameOf(place, index, meta);
    if (name === undefined) return 'meta/episodes does not say where it is';
    const last = this.#last.get(place);
    const found = last?.name === name ? last.found : await this.#look(place, name);
    this.#last.set(place, { name, found });
    return typeof found === 'string' ? found : { path: join(this.#folder, name), found };
  }

  #nameOf(place: number, index: number, { videos }: EpisodeMeta): string | undefined {
    const { version, chunksSize, videoPath } = this.#info;
    const at = videos?.[place];
    if (version === 'v3.0' && at === undefined) return undefined;
    const numbers = new Map([
      ['episode_index', index],
      ['episode_chunk', Math.floor(index / chunksSize)],
      ['chunk_index', at?.chunk ?? 0],
      ['file_index', at?.file ?? 0],
    ]);
    return videoPathOf(videoPath, this.#features[place]?.key ?? '', numbers);
  }

  async #look(place: number, name: string): Promise<FoundVideo | string> {
    const path = join(this.#folder, name);
    const problem = await problemOf(path);
    if (problem !== undefined) return problem;
    try {
      const found = await this.#source.look(path);
      return otherSize(found, this.#features[place]?.size) ?? found;
    } catch (error) {
      if (error instanceof VideoProblem) return error.message;
      throw error;
    }
  }
}

/** Why a file cannot be a video before anything reads it; undefined: it may be. */
async function problemOf(path: string): Promise<string | undefined> {
  try {
    await refusePointer(path);
    return undefined;
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    return error.message.includes('Git LFS')
      ? 'a pointer of Git LFS instead of the file: run "git lfs pull"'
      : 'no such file';
  }
}

function otherSize({ width, height }: FoundVideo, said: LeRobotFeature['size']): string | undefined {
  return said === undefined || (width === said.width && height === said.height)
    ? undefined
    : `images of ${width} × ${height} pixels, where meta/info.json says ${said.width} × ${said.height}`;
}
