import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { clipKey, clipKind, type Camera } from '../../camera.ts';
import { deterministicUlid } from '../../deterministic-ulid.ts';
import { fileSha256 } from '../../landing.ts';
import type { ClipFileToLand } from '../episode-clip.ts';
import type { SourceEpisode } from '../source-episode.ts';
import type { Tally } from '../tally.ts';
import { isUntaken, type FoundImages, type ImagesOfCamera, type Untaken } from './images-of-camera.ts';
import type { MadeClip, MadeClips } from './made-clips.ts';
import type { EpisodeMeta } from './meta.ts';
import { leadOf } from './video-part.ts';

export interface ClipsInput {
  readonly cameras: readonly ImagesOfCamera[];
  readonly landClip: (clip: ClipFileToLand) => Promise<void>;
  readonly madeClips: MadeClips;
  readonly site: string;
  readonly scratchDirectory: string;
  readonly tally: Tally;
}

interface Part {
  readonly images: FoundImages;
  readonly camera: ImagesOfCamera;
}

interface Clip {
  readonly camera: Camera;
  readonly made: MadeClip;
  /** Undefined: it was landed before. */
  readonly filePath: string | undefined;
  readonly isLasting: boolean;
}

/** Makes a clip of each camera of the images of an episode, with an image for each frame. */
export class EpisodeClips {
  readonly #input: ClipsInput;

  constructor(input: ClipsInput) {
    this.#input = input;
  }

  /**
   * The episode with its clips, which are landed before; undefined where the images of a camera that is required cannot be taken. What is not taken is
   * counted. All images are found before the first are decoded, and all clips are made before the first one is landed.
   */
  async withClips(episode: SourceEpisode, index: number, meta: EpisodeMeta): Promise<SourceEpisode | undefined> {
    const [startUs = 0] = episode.frames.atUs;
    const id = episode.id ?? deterministicUlid(episode.name, Math.floor(startUs / 1000));
    const parts: Part[] = [];
    for (const camera of this.#input.cameras) {
      const images =
        episode.frames.length === episode.at.rows
          ? await camera.find({ episode, index, meta })
          : camera.untaken('rows of its episode were left out, and an image says not which row it is of', episode);
      if (!isUntaken(images)) parts.push({ images, camera });
      else if (this.#isNeeded(camera, images)) return undefined;
    }
    const clips: Clip[] = [];
    try {
      for (const part of parts) {
        const clip = await this.#clipOf(part, episode, id);
        if (!isUntaken(clip)) clips.push(clip);
        else if (this.#isNeeded(part.camera, clip)) return undefined;
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

  /** Counts images that are not taken; whether their episode is not taken for it either. */
  #isNeeded({ of: { camera, feature, isRequired } }: ImagesOfCamera, { what, reasons }: Untaken): boolean {
    const { tally } = this.#input;
    for (const [reason, count] of reasons) tally.leftOut(what, reason, feature.key, count);
    const missing = what === 'video' ? 'video' : 'images';
    if (isRequired) tally.leftOut('episode', `no ${missing} of camera ${camera.name}, which the map requires`);
    return isRequired;
  }

  async #clipOf({ images, camera: of }: Part, episode: SourceEpisode, id: string): Promise<Clip | Untaken> {
    const { camera } = of.of;
    const known = await this.#input.madeClips.find(id, camera.name);
    if (known !== undefined) return { camera, made: known, filePath: undefined, isLasting: true };
    const filePath = join(this.#input.scratchDirectory, `clip-of-${camera.name}.mp4`);
    const clip = await this.#cut({ images, camera: of }, episode, filePath);
    if (isUntaken(clip)) await rm(filePath, { force: true });
    return clip;
  }

  async #cut({ images, camera: of }: Part, episode: SourceEpisode, filePath: string): Promise<Clip | Untaken> {
    const { camera } = of.of;
    const cut = await images.cut(filePath);
    if (isUntaken(cut)) return cut;
    const { atUs, isLasting } = cut;
    const [startUs = 0] = episode.frames.atUs;
    const lead = leadOf(
      atUs,
      Array.from(episode.frames.atUs, (at) => at - startUs),
    );
    if (lead === undefined) return of.untaken('times of its images that are not those of its rows', episode);
    const durationMs = Math.round(((atUs.at(-1) ?? 0) + 1e6 / camera.rateHz) / 1000);
    const made = { sha256: await fileSha256(filePath), startedAt: startUs - lead, durationMs };
    return { camera, made, filePath, isLasting };
  }

  async #land(
    { camera, made, filePath, isLasting }: Clip,
    { robotId, site }: SourceEpisode,
    episodeId: string,
  ): Promise<void> {
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
    if (isLasting) await this.#input.madeClips.keep(episodeId, camera.name, made);
  }
}
