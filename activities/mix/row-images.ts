import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { camerasOf, clipKey, type Camera } from '../../datasets/camera.ts';
import type { NumberedBody } from '../../datasets/bodies/body-sql.ts';
import { ClipError } from '../../datasets/media/clip-format.ts';
import { imageOfFrame } from '../../datasets/media/image-of-frame.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { ImageLeftOut, ImageLossReason } from '../../datasets/training-set.ts';
import { failure } from '../../store/failures.ts';
import { readClipVerdict, type ClipName } from '../../store/records/clip-verdicts.ts';
import { DecodedClips, type DecodedImages } from '../media/decoded-clips.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTable } from '../temp-table.ts';
import type { ImagePlace } from './arrow-file.ts';
import { rowImageTable } from './image-tables.ts';
import type { SetPorts } from './ports.ts';

/** What a chunk's whole numbers can count. */
const blockBytes = 2 ** 30;
const microseconds = 1_000_000;
const firstClipColumn = 5;

export interface RowImagesInput {
  /** SQL of the rows of the set: `episode` (a whole number), `episode_id`, `body_index`, `at_us`. */
  readonly rows: string;
  readonly cameras: readonly Camera[];
  readonly bodies: readonly NumberedBody[];
  readonly directory: string;
}

export interface RowImages {
  readonly leftOut: readonly ImageLeftOut[];
  readonly read: (place: ImagePlace) => Promise<Uint8Array>;
  close(): Promise<void>;
}

interface Row {
  readonly atUs: number;
}
interface EpisodeRows {
  readonly episode: number;
  readonly episodeId: string;
  readonly body: number;
  readonly robotId: string;
  readonly clips: readonly { readonly sha256: string; readonly startedUs: number }[];
  readonly rows: Row[];
}

/**
 * Finds the images that rows see and copies them into one scratch file; makes the temporary table `row_image` of where they stand, with the
 * rows alone that have an image of every camera. Clips are decoded several at a time, each once; an episode's rows are in memory, the
 * images are not. What the scratch file holds in which order says nothing: a set has its rows in an order of its own.
 */
export async function findRowImages(ports: SetPorts, session: SqlSession, input: RowImagesInput): Promise<RowImages> {
  const { clips } = ports;
  if (clips === undefined)
    throw failure(
      'TrainingImpossible',
      'expected a worker that decodes clips for a set with images, got one that does not',
    );
  const decoded = new DecodedClips({ scratchDirectory: ports.scratchDirectory, decoder: clips.decoder });
  const scratch = await ImageScratch.open(join(input.directory, 'images'));
  const list = await open(join(input.directory, 'row-images.csv'), 'w');
  const losses = new Losses();
  try {
    await inFlight(clips.atOnce, episodesOf(session, input), async (episode) => {
      const lines = await new EpisodeImages(ports, decoded, scratch, input, losses).linesOf(episode);
      if (lines !== '') await list.write(lines);
    });
    await list.close();
    await session.run(createTable(tableFor(input.cameras)));
    await session.run(
      `INSERT INTO row_image FROM read_csv(${sqlText(join(input.directory, 'row-images.csv'))}, header = false, auto_detect = false, columns = {
        ${tableFor(input.cameras)
          .columns.map(([name, type]) => `'${name}': '${type}'`)
          .join(', ')}})`,
    );
  } catch (error) {
    await Promise.allSettled([list.close(), scratch.close()]);
    throw error;
  }
  return { leftOut: losses.list(), read: (place) => scratch.read(place), close: () => scratch.close() };
}

/** Columns of `row_image` behind what it is joined by. */
export const placeColumns = (cameras: readonly Camera[]): readonly string[] =>
  cameras.flatMap((_, n) => [`block_${n}`, `rest_${n}`, `size_${n}`]);

const tableFor = (cameras: readonly Camera[]) => ({
  ...rowImageTable,
  columns: [...rowImageTable.columns.slice(0, 2), ...placeColumns(cameras).map((name) => [name, 'INTEGER'] as const)],
});

/** Rows with the clips of their episode, episode by episode. */
async function* episodesOf(session: SqlSession, { rows, cameras }: RowImagesInput): AsyncGenerator<EpisodeRows> {
  const clips = cameras.flatMap((_, n) => [`sha256_${n}`, `started_${n}`]);
  const sql = `SELECT episode::INTEGER, body_index::INTEGER, at_us::DOUBLE, robot_id, episode_id, ${clips.join(', ')}
    FROM (${rows}) JOIN episode_clip USING (episode_id) ORDER BY episode, at_us`;
  let open: EpisodeRows | undefined;
  for await (const chunk of session.chunks(sql)) {
    const [episodes, bodies, instants] = [chunk.numbers(0), chunk.numbers(1), chunk.numbers(2)];
    const [robots, ids] = [chunk.strings(3), chunk.strings(4)];
    const hashes = cameras.map((_, n) => chunk.strings(firstClipColumn + 2 * n));
    const starts = cameras.map((_, n) => chunk.numbers(firstClipColumn + 2 * n + 1));
    const complete: EpisodeRows[] = [];
    for (let row = 0; row < chunk.rowCount; row += 1) {
      const episode = episodes[row] ?? 0;
      if (open?.episode !== episode) {
        if (open !== undefined) complete.push(open);
        open = {
          episode,
          body: bodies[row] ?? 0,
          robotId: robots[row] ?? '',
          episodeId: ids[row] ?? '',
          clips: cameras.map((_, n) => ({ sha256: hashes[n]?.[row] ?? '', startedUs: starts[n]?.[row] ?? 0 })),
          rows: [],
        };
      }
      open.rows.push({ atUs: instants[row] ?? 0 });
    }
    yield* complete;
  }
  if (open !== undefined) yield open;
}

/** The images of one episode's rows. */
class EpisodeImages {
  readonly #ports: SetPorts;
  readonly #decoded: DecodedClips;
  readonly #scratch: ImageScratch;
  readonly #input: RowImagesInput;
  readonly #losses: Losses;

  constructor(ports: SetPorts, decoded: DecodedClips, scratch: ImageScratch, input: RowImagesInput, losses: Losses) {
    this.#ports = ports;
    this.#decoded = decoded;
    this.#scratch = scratch;
    this.#input = input;
    this.#losses = losses;
  }

  /** Lines of the table, one for each row that has all its images. */
  async linesOf({ episode, episodeId, robotId, body, clips, rows }: EpisodeRows): Promise<string> {
    const { cameras, bodies } = this.#input;
    const type = bodies.find(({ index }) => index === body)?.type;
    const places: (readonly (ImagePlace | ImageLossReason)[])[] = [];
    for (const [n, camera] of cameras.entries()) {
      const own = type === undefined ? undefined : camerasOf(type).find(({ name }) => name === camera.name);
      const clip = clips[n];
      if (clip === undefined || own === undefined) places.push(rows.map(() => 'noClip'));
      else {
        const name = { robotId, sha256: clip.sha256, episodeId, camera: camera.name };
        places.push(await this.#placesOf(name, clip.startedUs, camera, microseconds / own.rateHz, rows));
      }
    }
    const lost = new Set<ImageLossReason>();
    const lines = rows.flatMap(({ atUs }, row) => {
      const found = places.map((ofCamera) => ofCamera[row] ?? 'noImage');
      const reason = found.find((place) => typeof place === 'string');
      if (reason === undefined)
        return [
          [
            episode,
            atUs,
            ...found.flatMap((place) => (typeof place === 'string' ? [] : [place.block, place.rest, place.size])),
          ].join(','),
        ];
      this.#losses.add(reason, lost.has(reason) ? 0 : 1);
      lost.add(reason);
      return [];
    });
    return lines.map((line) => `${line}\n`).join('');
  }

  async #placesOf(
    clip: ClipName,
    startedUs: number,
    camera: Camera,
    periodUs: number,
    rows: readonly Row[],
  ): Promise<readonly (ImagePlace | ImageLossReason)[]> {
    const images = await this.#opened(clip, camera);
    if (typeof images === 'string') return rows.map(() => images);
    try {
      const copied = new Map<number, ImagePlace>();
      const places: (ImagePlace | ImageLossReason)[] = [];
      for (const { atUs } of rows) {
        const image = imageOfFrame(images.atUs, atUs - startedUs, periodUs);
        if (typeof image === 'string') {
          places.push('noImage');
          continue;
        }
        const place = copied.get(image) ?? (await this.#scratch.add(await images.read(image)));
        copied.set(image, place);
        places.push(place);
      }
      return places;
    } finally {
      await images.close();
    }
  }

  /** Images of a clip at a camera's learned size, or why there are none. */
  async #opened(clip: ClipName, camera: Camera): Promise<DecodedImages | ImageLossReason> {
    const { store } = this.#ports;
    const judged = await readClipVerdict(store, clip);
    if (judged?.verdict === 'refused') return 'clipRefused';
    const path = judged === undefined ? undefined : await store.localPath(clipKey(clip.sha256));
    if (path === undefined) return 'clipMissing';
    try {
      return await this.#decoded.open({ sha256: clip.sha256, path }, camera.learned, this.#ports.progress);
    } catch (error) {
      if (error instanceof ClipError) return 'clipRefused';
      throw error;
    }
  }
}

/** Frames and episodes without images, by reason. */
class Losses {
  readonly #counts = new Map<ImageLossReason, { episodes: number; frames: number }>();

  add(reason: ImageLossReason, episodes: number): void {
    const count = this.#counts.get(reason) ?? { episodes: 0, frames: 0 };
    this.#counts.set(reason, { episodes: count.episodes + episodes, frames: count.frames + 1 });
  }

  list(): readonly ImageLeftOut[] {
    return [...this.#counts]
      .map(([reason, count]) => ({ reason, ...count }))
      .toSorted((a, b) => (a.reason < b.reason ? -1 : 1));
  }
}

/** Images one after another in a file that goes with its folder. */
class ImageScratch {
  readonly #file: FileHandle;
  #end = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<ImageScratch> {
    return new ImageScratch(await open(path, 'w+'));
  }

  async add(image: Uint8Array): Promise<ImagePlace> {
    const at = this.#end;
    this.#end += image.length;
    await this.#file.write(image, 0, image.length, at);
    return { block: Math.floor(at / blockBytes), rest: at % blockBytes, size: image.length };
  }

  async read({ block, rest, size }: ImagePlace): Promise<Uint8Array> {
    const { buffer, bytesRead } = await this.#file.read(Buffer.alloc(size), 0, size, block * blockBytes + rest);
    if (bytesRead < size) throw new Error(`expected ${size} bytes of an image in the scratch file, got ${bytesRead}`);
    return buffer;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Does the work of items as they come, at most so many at a time; the first error stops it. */
async function inFlight<Item>(
  most: number,
  items: AsyncIterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const errors: unknown[] = [];
  try {
    for await (const item of items) {
      const one: Promise<void> = work(item)
        .catch((error: unknown) => void errors.push(error))
        .finally(() => running.delete(one));
      running.add(one);
      if (running.size >= most) await Promise.race(running);
      if (errors.length > 0) break;
    }
  } finally {
    await Promise.all(running);
  }
  if (errors.length > 0) throw errors[0];
}
