import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { ClipError } from '../../media/clip-format.ts';
import { stillImage, type StillImage } from '../../media/still-image.ts';
import { writeClip, type ImageOfClip } from '../../media/write-clip.ts';
import type { SourceEpisode } from '../source-episode.ts';
import { imageBytes } from './image-bytes.ts';
import type { ImagesByRow } from './image-rows.ts';
import {
  isUntaken,
  type CutImages,
  type FilmedEpisode,
  type FoundImages,
  type ImagesOfCamera,
  type Untaken,
} from './images-of-camera.ts';
import type { LeRobotFeature } from './info.ts';
import type { MappedCamera } from './mapped-cameras.ts';
import { VideoProblem, type VideoSource } from './video-source.ts';

interface RowsInput {
  readonly folder: string;
  readonly images: ImagesByRow;
  readonly source: VideoSource;
  readonly scratchDirectory: string;
  /** Of the images of an episode by one camera. */
  readonly mostBytes?: number;
}

/** As they are in the recording, where they wait on the disk to be decoded. */
const mostEpisodeBytes = 16 * 1024 * 1024 * 1024;

interface Collected {
  readonly format: StillImage['format'];
  readonly described: readonly ImageOfClip[];
  readonly isLasting: boolean;
}

/** The images of a camera whose feature is images: one in each row of the data files, or in a file that the row names. */
export class ImagesInRows implements ImagesOfCamera {
  readonly of: MappedCamera;
  readonly #input: RowsInput;

  constructor(of: MappedCamera, input: RowsInput) {
    this.of = of;
    this.#input = input;
  }

  untaken(reason: string, { at: { rows } }: SourceEpisode): Untaken {
    return { what: 'image', reasons: new Map([[reason, rows]]) };
  }

  async find({ episode }: FilmedEpisode): Promise<FoundImages | Untaken> {
    const { atUs } = episode.frames;
    if (atUs.some((at, row) => row > 0 && at <= (atUs[row - 1] ?? 0)))
      return this.untaken('times of its rows that do not rise', episode);
    return { cut: (outPath) => this.#cut(episode, outPath) };
  }

  /** As the only track of a file of their own, with the instants of their rows, they are decoded as a video is. */
  async #cut(episode: SourceEpisode, outPath: string): Promise<CutImages | Untaken> {
    const { camera } = this.of;
    const [pieces, path] = ['images', 'mp4'].map((end) =>
      join(this.#input.scratchDirectory, `images-of-${camera.name}.${end}`),
    ) as [string, string];
    try {
      const collected = await this.#collect(episode, pieces);
      if (isUntaken(collected)) return collected;
      const { format, described, isLasting } = collected;
      await this.#join(pieces, path, collected);
      const job = { ...camera, path, outPath, fromUs: 0, images: described.length, stills: format };
      return { atUs: await this.#input.source.cut(job), isLasting };
    } catch (error) {
      if (error instanceof ClipError)
        return this.untaken('more images, or a longer time, than a clip may have', episode);
      if (error instanceof VideoProblem)
        return this.untaken(`among the images of its episode: ${error.message}`, episode);
      throw error;
    } finally {
      for (const file of [pieces, path]) await rm(file, { force: true });
    }
  }

  /** Puts the images of the episode into a file, one behind the other. All are looked at, so that every one that is wrong is counted. */
  async #collect({ at: { firstRow, rows }, frames }: SourceEpisode, path: string): Promise<Collected | Untaken> {
    const { folder, images, mostBytes = mostEpisodeBytes } = this.#input;
    const reasons = new Map<string, number>();
    const described: ImageOfClip[] = [];
    let [format, bytes, isLasting]: [StillImage['format'] | undefined, number, boolean] = [undefined, 0, true];
    const file = await open(path, 'w');
    try {
      for await (const stored of images.from(firstRow, rows)) {
        const found = await imageBytes(folder, stored);
        const image: StillImage | string = typeof found === 'string' ? found : this.#sound(found.bytes, format);
        if (typeof found !== 'string' && found.isOfFile) isLasting = false;
        const isTooMuch = typeof image !== 'string' && bytes + image.bytes.length > mostBytes;
        if (typeof image === 'string' || isTooMuch) {
          const reason = typeof image === 'string' ? image : `more than ${mostBytes} bytes of images in its episode`;
          reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
          continue;
        }
        format ??= image.format;
        bytes += image.bytes.length;
        described.push({ atUs: frames.atUs[described.length] ?? 0, sizeBytes: image.bytes.length });
        if (reasons.size === 0) await file.writeFile(image.bytes);
      }
    } finally {
      await file.close();
    }
    if (reasons.size === 0) return { format: format ?? 'png', described, isLasting };
    if (described.length > 0) reasons.set('of an episode with an image that cannot be taken', described.length);
    return { what: 'image', reasons };
  }

  /** The image if it is what the data set and the camera say. */
  #sound(bytes: Uint8Array, format: StillImage['format'] | undefined): StillImage | string {
    const { camera, feature } = this.of;
    const image = saidImage(bytes, feature);
    if (typeof image === 'string') return image;
    if (!isOfSize(image, camera))
      return `${sizeInWords(image)}, where camera ${camera.name} has ${camera.width} × ${camera.height}`;
    return format === undefined || image.format === format ? image : 'PNG and JPEG images in one episode';
  }

  async #join(pieces: string, path: string, { format, described }: Collected): Promise<void> {
    const { width, height, rateHz } = this.of.camera;
    const [from, to] = [await open(pieces), await open(path, 'w')];
    try {
      const clip = { width, height, periodUs: Math.round(1e6 / rateHz), images: format };
      for await (const piece of writeClip(clip, described, piecesOf(from, described))) await to.writeFile(piece);
    } finally {
      await from.close();
      await to.close();
    }
  }
}

async function* piecesOf(file: FileHandle, described: readonly ImageOfClip[]): AsyncGenerator<Uint8Array> {
  for (const { sizeBytes } of described) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(sizeBytes), 0, sizeBytes);
    yield buffer.subarray(0, bytesRead);
  }
}

/** The image if it is as large as the data set says, else a reason in words. */
export function saidImage(bytes: Uint8Array, { size }: Pick<LeRobotFeature, 'size'>): StillImage | string {
  const image = stillImage(bytes);
  if (typeof image === 'string' || size === undefined || isOfSize(image, size)) return image;
  return `${sizeInWords(image)}, where meta/info.json says ${size.width} × ${size.height}`;
}

type Size = Pick<StillImage, 'width' | 'height'>;
const isOfSize = (image: Size, { width, height }: Size): boolean => image.width === width && image.height === height;
const sizeInWords = ({ width, height }: Size): string => `an image of ${width} × ${height} pixels`;
