import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { clipKey, clipKind, type Camera } from '../../camera.ts';
import { deterministicUlid } from '../../deterministic-ulid.ts';
import { fileSha256 } from '../../landing.ts';
import type { ClipFileToLand } from '../episode-clip.ts';
import type { SourceEpisode } from '../source-episode.ts';
import type { Tally } from '../tally.ts';
import type { MadeClip, MadeClips } from './made-clips.ts';
import type { MappedCamera } from './mapped-cameras.ts';
import type { EpisodeMeta } from './meta.ts';
import type { VideoFiles } from './video-files.ts';
import { leadOf, partOf, type FoundPart } from './video-part.ts';
import { VideoProblem, type VideoSource } from './video-source.ts';

export interface VideosInput {
  readonly cameras: readonly MappedCamera[];
  readonly files: VideoFiles;
  readonly source: VideoSource;
  readonly landClip: (clip: ClipFileToLand) => Promise<void>;
  readonly madeClips: MadeClips;
  readonly fps: number;
  readonly site: string;
  readonly scratchDirectory: string;
  readonly tally: Tally;
}

const isUlid = (id: string): boolean => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(id);

interface Part extends FoundPart {
  readonly path: string;
  readonly of: MappedCamera;
}

interface Clip {
  readonly camera: Camera;
  readonly made: MadeClip;
  /** Undefined: it was landed before. */
  readonly filePath: string | undefined;
}

/** Cuts the images of episodes out of the videos of a data set: a clip of each camera, with an image for each frame. */
export class EpisodeVideos {
  readonly #input: VideosInput;

  constructor(input: VideosInput) {
    this.#input = input;
  }

  /**
   * The episode with its clips, which are landed before; undefined where the video of a camera that is required cannot be taken. What is not taken is
   * counted. All parts are found before the first one is decoded, and all are made before the first one is landed.
   */
  async withClips(episode: SourceEpisode, index: number, meta: EpisodeMeta): Promise<SourceEpisode | undefined> {
    const [startUs = 0] = episode.frames.atUs;
    const id = episode.id ?? deterministicUlid(episode.name, Math.floor(startUs / 1000));
    const parts: Part[] = [];
    for (const [place, of] of this.#input.cameras.entries()) {
      const part = await this.#partOf({ place, of }, episode, index, meta);
      if (typeof part !== 'string') parts.push(part);
      else if (this.#isNeeded(of, part)) return undefined;
    }
    const clips: Clip[] = [];
    try {
      for (const part of parts) {
        const clip = await this.#clipOf(part, episode, id);
        if (typeof clip !== 'string') clips.push(clip);
        else if (this.#isNeeded(part.of, clip)) return undefined;
      }
      for (const clip of clips) await this.#land(clip, episode, id);
    } finally {
      for (const { filePath } of clips) if (filePath !== undefined) await rm(filePath, { force: true });
    }
    if (clips.length === 0) return episode;
    this.#input.tally.handled('clips', clips.length);
    const named = clips.map(({ camera, made }) => ({
      ...made,
      kind: clipKind(camera.name),
      key: clipKey(made.sha256),
    }));
    return { ...episode, clips: named };
  }

  /** Counts a video that is not taken; whether its episode is not taken for it either. */
  #isNeeded({ camera, feature, isRequired }: MappedCamera, reason: string): boolean {
    const { tally } = this.#input;
    tally.leftOut('video', reason, feature.key);
    if (isRequired) tally.leftOut('episode', `no video of camera ${camera.name}, which the map requires`);
    return isRequired;
  }

  async #partOf(
    { place, of }: { readonly place: number; readonly of: MappedCamera },
    episode: SourceEpisode,
    index: number,
    meta: EpisodeMeta,
  ): Promise<Part | string> {
    const { rows } = episode.at;
    // It becomes part of keys of the store.
    if (episode.id !== undefined && !isUlid(episode.id)) return 'the id of its episode is no ULID';
    if (episode.frames.length !== rows)
      return 'rows of its episode were left out, and an image says not which row it is of';
    const file = await this.#input.files.find(place, index, meta);
    if (typeof file === 'string') return file;
    const { width, height } = file.found;
    if (width !== of.camera.width || height !== of.camera.height)
      return `images of ${width} × ${height} pixels, where camera ${of.camera.name} has ${of.camera.width} × ${of.camera.height}`;
    const part = partOf(file.found, { times: meta.videos?.[place], rows, fps: this.#input.fps });
    if (typeof part === 'string') return part;
    if (meta.videos === undefined && part.behind > 0) this.#input.tally.handled('imagesBehindTheLastRow', part.behind);
    return { ...part, path: file.path, of };
  }

  async #clipOf(part: Part, episode: SourceEpisode, id: string): Promise<Clip | string> {
    const { camera } = part.of;
    const known = await this.#input.madeClips.find(id, camera.name);
    if (known !== undefined) return { camera, made: known, filePath: undefined };
    const filePath = join(this.#input.scratchDirectory, `clip-of-${camera.name}.mp4`);
    const made = await this.#cut(part, episode, filePath);
    if (typeof made !== 'string') return { camera, made, filePath };
    await rm(filePath, { force: true });
    return made;
  }

  async #cut({ path, of, fromUs, atUs }: Part, { frames }: SourceEpisode, outPath: string): Promise<MadeClip | string> {
    const { camera } = of;
    try {
      const cut = await this.#input.source.cut({ ...camera, path, outPath, fromUs, images: atUs.length });
      const [startUs = 0] = frames.atUs;
      const lead = leadOf(
        cut,
        Array.from(frames.atUs, (at) => at - startUs),
      );
      if (lead === undefined) return 'times of its images that are not those of its rows';
      const durationMs = Math.round(((cut.at(-1) ?? 0) + 1e6 / camera.rateHz) / 1000);
      return { sha256: await fileSha256(outPath), startedAt: startUs - lead, durationMs };
    } catch (error) {
      if (error instanceof VideoProblem) return error.message;
      throw error;
    }
  }

  async #land({ camera, made, filePath }: Clip, { robotId, site }: SourceEpisode, episodeId: string): Promise<void> {
    if (filePath === undefined) return;
    await this.#input.landClip({
      robotId,
      site: site ?? this.#input.site,
      episodeId,
      camera: camera.name,
      sha256: made.sha256,
      startedAtUs: made.startedAt,
      filePath,
      sizeBytes: (await stat(filePath)).size,
    });
    await this.#input.madeClips.keep(episodeId, camera.name, made);
  }
}
