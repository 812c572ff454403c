import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { clipKey, clipKind, type Camera } from '../../datasets/camera.ts';
import { imageOfFrame } from '../../datasets/media/image-of-frame.ts';
import { readClipFile } from '../../datasets/media/read-clip-file.ts';
import { writeClip } from '../../datasets/media/write-clip.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import { readClipVerdict } from '../../store/records/clip-verdicts.ts';
import type { ClipDecoder } from '../ports/clip-decoder.ts';
import { ImageStatistics } from './image-statistics.ts';
import { videoKey } from './lerobot-layout.ts';
import { framesOfPart, leaveOut, partsOf, type ExportInput, type ExportPorts, type Part } from './picked-episodes.ts';

/** What it takes to write videos. */
export interface VideoPorts {
  readonly decoder: ClipDecoder;
  /** Codes a clip of motion JPEG as H.264, with an image that stands by itself at every second one, as LeRobot has them. */
  readonly code: (job: CodeJob) => Promise<void>;
  readonly scratchDirectory: string;
}

export interface CodeJob {
  readonly from: string;
  readonly to: string;
  readonly width: number;
  readonly height: number;
}

/** Frames whose times are held at once, of whole episodes. */
const framesAtOnce = 1_000_000;
const filesPerChunk = 1_000;
/** Images of an episode that are measured for statistics. */
const measuredImages = 16;

const three = (value: number): string => String(value).padStart(3, '0');

/** An exported episode: when its frames were, µs since 1970, and its clips, in the order of the cameras. */
interface SeenEpisode {
  readonly number: number;
  readonly frames: readonly number[];
  readonly clips: readonly { readonly path: string; readonly startedUs: number }[];
}

/** The videos of exported episodes, one file for each episode and camera, with one image for each frame: the one that the frame saw. */
export class LeRobotVideos {
  readonly #ports: ExportPorts;
  readonly #videos: VideoPorts;
  readonly #input: ExportInput;
  readonly #cameras: readonly Camera[];

  constructor(ports: ExportPorts, videos: VideoPorts, input: ExportInput, cameras: readonly Camera[]) {
    this.#ports = ports;
    this.#videos = videos;
    this.#input = input;
    this.#cameras = cameras;
  }

  /** Takes the episodes out of `picked_episode` that have no accepted clip of every camera, or a frame that saw no image of it; how many. */
  async keepSeen(): Promise<number> {
    const { session } = this.#ports;
    const blind: number[] = [];
    for (const part of await partsOf(session, framesAtOnce))
      for await (const episode of this.#episodesOf(part)) {
        const isSeen = episode.clips.length === this.#cameras.length && (await this.#areSeen(episode));
        if (!isSeen) blind.push(episode.number);
      }
    await leaveOut(session, blind);
    return blind.length;
  }

  async #areSeen(episode: SeenEpisode): Promise<boolean> {
    for (const [place, { path }] of episode.clips.entries()) {
      const { samples } = await readClipFile(path);
      const atUs = samples.map((sample) => sample.atUs);
      if (this.#imagesOf(episode, place, atUs) === undefined) return false;
    }
    return true;
  }

  /** The image that each frame saw; undefined where one saw none. */
  #imagesOf({ frames, clips }: SeenEpisode, place: number, atUs: readonly number[]): readonly number[] | undefined {
    const { startedUs = 0 } = clips[place] ?? {};
    const periodUs = 1e6 / (this.#cameras[place]?.rateHz ?? 1);
    const images = frames.map((at) => imageOfFrame(atUs, at - startedUs, periodUs));
    return images.every((image) => typeof image === 'number') ? images : undefined;
  }

  /** The columns that say where the images of an episode are, over `e`. */
  get placeSql(): readonly string[] {
    const { rateHz } = this.#input.robotType;
    return this.#cameras.flatMap((camera) => {
      const of = (name: string): string => `"videos/${videoKey(camera)}/${name}"`;
      return [
        `e.number // ${filesPerChunk} AS ${of('chunk_index')}`,
        `e.number % ${filesPerChunk} AS ${of('file_index')}`,
        `0.0::DOUBLE AS ${of('from_timestamp')}`,
        `e.frame_count / ${rateHz}::DOUBLE AS ${of('to_timestamp')}`,
      ];
    });
  }

  /** Writes the videos; the statistics of each camera's images. */
  async write(): Promise<ReadonlyMap<string, object>> {
    const statistics = this.#cameras.map(() => new ImageStatistics());
    for (const part of await partsOf(this.#ports.session, framesAtOnce))
      for await (const episode of this.#episodesOf(part))
        for (const [place, camera] of this.#cameras.entries())
          await this.#writeOne(episode, place, camera, statistics[place] as ImageStatistics);
    return new Map(this.#cameras.map((camera, place) => [videoKey(camera), statistics[place]?.result() ?? {}]));
  }

  async #writeOne(episode: SeenEpisode, place: number, camera: Camera, statistics: ImageStatistics): Promise<void> {
    const clipPath = episode.clips[place]?.path ?? '';
    const { samples } = await readClipFile(clipPath);
    const seen = this.#imagesOf(
      episode,
      place,
      samples.map(({ atUs }) => atUs),
    );
    if (seen === undefined) throw new Error(`expected an image for every frame of episode ${episode.number}, got none`);
    const images = [...new Set(seen)];
    const folder = await mkdtemp(join(this.#videos.scratchDirectory, 'video-'));
    try {
      const { decoder, code } = this.#videos;
      const outPath = join(folder, 'jpegs');
      const { width, height } = camera;
      const { sizes } = await decoder.decode({ clipPath, outPath, width, height, form: 'jpeg', images }, () => {});
      const motion = join(folder, 'motion.mp4');
      await this.#writeMotion(motion, camera, outPath, { seen, images, sizes });
      const [chunk, file] = [Math.floor(episode.number / filesPerChunk), episode.number % filesPerChunk];
      const name = `videos/${videoKey(camera)}/chunk-${three(chunk)}/file-${three(file)}.mp4`;
      const to = join(this.#input.folder, name);
      await mkdir(dirname(to), { recursive: true });
      await code({ from: motion, to, width, height });
      const every = Math.ceil(images.length / measuredImages);
      const measured = images.filter((_, index) => index % every === 0);
      const pixels = join(folder, 'pixels');
      await decoder.decode({ clipPath, outPath: pixels, ...camera.learned, form: 'rgb', images: measured }, () => {});
      await statistics.add(pixels, measured.length);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** A clip with the image of every frame, at the data set's rate. */
  async #writeMotion(
    path: string,
    camera: Camera,
    jpegs: string,
    { seen, images, sizes }: { seen: readonly number[]; images: readonly number[]; sizes: readonly number[] },
  ): Promise<void> {
    const periodUs = 1e6 / this.#input.robotType.rateHz;
    const offsets: number[] = [];
    for (const [index] of sizes.entries()) offsets.push((offsets[index - 1] ?? 0) + (sizes[index - 1] ?? 0));
    const placeOf = new Map(images.map((image, index) => [image, index]));
    const places = seen.map((image) => placeOf.get(image) ?? 0);
    const described = places.map((place, frame) => ({
      atUs: Math.round(frame * periodUs),
      sizeBytes: sizes[place] ?? 0,
    }));
    const [from, to] = [await open(jpegs), await open(path, 'wx')];
    try {
      async function* bytes(): AsyncGenerator<Uint8Array> {
        for (const place of places) {
          const size = sizes[place] ?? 0;
          const { buffer } = await from.read(Buffer.alloc(size), 0, size, offsets[place] ?? 0);
          yield buffer;
        }
      }
      const format = { width: camera.width, height: camera.height, periodUs: Math.round(periodUs) };
      for await (const piece of writeClip(format, described, bytes())) await to.writeFile(piece);
    } finally {
      await from.close();
      await to.close();
    }
  }

  async *#episodesOf(part: Part): AsyncGenerator<SeenEpisode> {
    const { session } = this.#ports;
    const clips = await this.#clipsOf(part);
    const found = new Map<number, number[]>();
    const rows = `SELECT e.number::DOUBLE, epoch_us(f.timestamp)::DOUBLE FROM ${await framesOfPart(this.#ports, this.#input, part)}
      ORDER BY e.number, f.frame_index`;
    for await (const chunk of session.chunks(rows)) {
      const [numbers, times] = [chunk.numbers(0), chunk.numbers(1)];
      for (let row = 0; row < chunk.rowCount; row += 1) {
        const number = numbers[row] ?? 0;
        const frames = found.get(number) ?? [];
        if (frames.push(times[row] ?? 0) === 1) found.set(number, frames);
      }
    }
    for (const [number, frames] of found) yield { number, frames, clips: clips.get(number) ?? [] };
  }

  /** Clips of the episodes of a part that were accepted and are in the store, by number: of every camera, or none. */
  async #clipsOf({ firstEpisode, lastEpisode, days }: Part): Promise<ReadonlyMap<number, SeenEpisode['clips']>> {
    const { session, lake, store } = this.#ports;
    const { version } = this.#input;
    const clips = this.#cameras.map(
      (camera, n) => `list_filter(s.media, lambda m: m.kind = ${sqlText(clipKind(camera.name))})[1] AS clip_${n}`,
    );
    const columns = this.#cameras.map(
      (_, n) => `clip_${n}.sha256 AS sha256_${n}, epoch_us(clip_${n}."startedAt")::DOUBLE AS started_${n}`,
    );
    const rows = await session.rows(`SELECT number::DOUBLE AS number, episode_id, robot_id, ${columns.join(', ')} FROM (
      SELECT e.number, e.episode_id, e.robot_id, ${clips.join(', ')} FROM picked_episode AS e
      JOIN ${await lake.scan('episodes', version.episodes, { recordedOn: days })} AS s ON s.episode_id = e.episode_id
      WHERE e.number BETWEEN ${firstEpisode} AND ${lastEpisode})`);
    const found = new Map<number, SeenEpisode['clips']>();
    for (const row of rows) {
      const own: { path: string; startedUs: number }[] = [];
      for (const [n, { name: camera }] of this.#cameras.entries()) {
        const [sha256, startedUs] = [row[`sha256_${n}`], row[`started_${n}`]];
        if (typeof sha256 !== 'string' || typeof startedUs !== 'number') break;
        const name = { robotId: row['robot_id'] as string, episodeId: row['episode_id'] as string, sha256, camera };
        const path =
          (await readClipVerdict(store, name))?.verdict === 'accepted'
            ? await store.localPath(clipKey(sha256))
            : undefined;
        if (path !== undefined) own.push({ path, startedUs });
      }
      if (own.length === this.#cameras.length) found.set(Number(row['number']), own);
    }
    return found;
  }
}
