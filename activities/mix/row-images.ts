import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { camerasOf, clipKey, type Camera } from '../../datasets/camera.ts';
import type { NumberedBody } from '../../datasets/bodies/body-sql.ts';
import { ClipError } from '../../datasets/media/clip-format.ts';
import { imageOfFrame } from '../../datasets/media/image-of-frame.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { ImageLeftOut, ImageLossReason } from '../../datasets/training-set.ts';
import { FollowingImages } from '../../policies/image-windows.ts';
import { failure } from '../../store/failures.ts';
import { readClipVerdict, type ClipName } from '../../store/records/clip-verdicts.ts';
import { DecodedClips, type DecodedImages } from '../media/decoded-clips.ts';
import type { FrameTimes } from '../ports/clip-decoder.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTable } from '../temp-table.ts';
import type { ImagePlace } from './arrow-file.ts';
import { ImageLosses } from './image-losses.ts';
import { ImageScratch } from './image-scratch.ts';
import { rowImageTable } from './image-tables.ts';
import { inFlight } from './in-flight.ts';
import type { SetPorts } from './ports.ts';

const microseconds = 1_000_000;
const firstClipColumn = 7;

export interface RowImagesInput {
  /** SQL of the rows of the set: `episode` (a whole number), `episode_id`, `body_index`, `at_us`. */
  readonly rows: string;
  readonly cameras: readonly Camera[];
  readonly bodies: readonly NumberedBody[];
  readonly directory: string;
  /** Where rows have the images of frames before them. */
  readonly window?: ImageWindow | undefined;
}

/** The images that rows have before their own. */
export interface ImageWindow {
  /** Images of a row and camera, that of its own frame included; at least 2. */
  readonly images: number;
  /** Relation of the frames that rows lie among. */
  readonly frames: string;
  /** Frames that are farther apart do not follow each other. */
  readonly longestGapUs: number;
}

export interface RowImages {
  readonly leftOut: readonly ImageLeftOut[];
  readonly read: (place: ImagePlace) => Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A frame that is a row of the set, or lies among them. */
interface Row {
  readonly atUs: number;
  readonly isRow: boolean;
  /** Whether it belongs to one window with the frame before it. */
  readonly follows: boolean;
}
/** A clip, and the place of the image that each frame sees; -1 for none. */
interface SeenClip {
  readonly images: DecodedImages;
  readonly ofFrame: readonly number[];
}
/** What a row has of a camera: that of its own frame first, then backwards. */
type Seen = readonly ImagePlace[] | ImageLossReason;
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
 * images are not. With `window`, a row has the images of the frames before it, as far back as they follow each other and have images; where there are fewer, the earliest
 * stands for those before it. What the scratch file holds in which order says nothing: a set has its rows in an order of its own.
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
  const losses = new ImageLosses();
  try {
    await inFlight(clips.atOnce, episodesOf(session, input), async (episode) => {
      const lines = await new EpisodeImages(ports, decoded, scratch, input, losses).linesOf(episode);
      if (lines !== '') await list.write(lines);
    });
    await list.close();
    await session.run(createTable(tableFor(input)));
    await session.run(
      `INSERT INTO row_image FROM read_csv(${sqlText(join(input.directory, 'row-images.csv'))}, header = false, auto_detect = false, columns = {
        ${tableFor(input)
          .columns.map(([name, type]) => `'${name}': '${type}'`)
          .join(', ')}})`,
    );
  } catch (error) {
    await Promise.allSettled([list.close(), scratch.close()]);
    throw error;
  }
  return { leftOut: losses.list(), read: (place) => scratch.read(place), close: () => scratch.close() };
}

/** Columns of `row_image` behind what it is joined by: places of the images of all cameras, those of the row's own frame first, then of each frame before it. */
export const placeColumns = (cameras: readonly Camera[], images = 1): readonly string[] =>
  Array.from({ length: cameras.length * images }, (_, n) => [`block_${n}`, `rest_${n}`, `size_${n}`]).flat();

const tableFor = ({ cameras, window }: RowImagesInput) => ({
  ...rowImageTable,
  columns: [
    ...rowImageTable.columns.slice(0, 2),
    ...placeColumns(cameras, window?.images).map((name) => [name, 'INTEGER'] as const),
  ],
});

/** The rows, or with a window all frames of their episodes. */
function framesSql({ rows, window }: RowImagesInput): string {
  if (window === undefined) return `SELECT *, true AS is_row, 0 AS frame_index FROM (${rows})`;
  return `SELECT e.episode, e.episode_id, e.body_index, epoch_us(f."timestamp") AS at_us, r.at_us IS NOT NULL AS is_row, f.frame_index
    FROM ${window.frames} AS f JOIN (SELECT DISTINCT episode, episode_id, body_index FROM (${rows})) AS e USING (episode_id)
    LEFT JOIN (SELECT DISTINCT episode, at_us FROM (${rows})) AS r ON r.episode = e.episode AND r.at_us = epoch_us(f."timestamp")`;
}

/** Rows with the clips of their episode, episode by episode; with a window, with the frames among which they lie. */
async function* episodesOf(session: SqlSession, input: RowImagesInput): AsyncGenerator<EpisodeRows> {
  const { cameras, window } = input;
  const clips = cameras.flatMap((_, n) => [`sha256_${n}`, `started_${n}`]);
  const sql = `SELECT episode::INTEGER, body_index::INTEGER, at_us::DOUBLE, robot_id, episode_id, is_row::INTEGER, frame_index::INTEGER, ${clips.join(', ')}
    FROM (${framesSql(input)}) JOIN episode_clip USING (episode_id) ORDER BY episode, at_us`;
  let open: EpisodeRows | undefined;
  let last = { atUs: Number.NEGATIVE_INFINITY, frame: -1 };
  for await (const chunk of session.chunks(sql)) {
    const [episodes, bodies, instants] = [chunk.numbers(0), chunk.numbers(1), chunk.numbers(2)];
    const [robots, ids] = [chunk.strings(3), chunk.strings(4)];
    const [areRows, frames] = [chunk.numbers(5), chunk.numbers(6)];
    const hashes = cameras.map((_, n) => chunk.strings(firstClipColumn + 2 * n));
    const starts = cameras.map((_, n) => chunk.numbers(firstClipColumn + 2 * n + 1));
    const complete: EpisodeRows[] = [];
    for (let row = 0; row < chunk.rowCount; row += 1) {
      const episode = episodes[row] ?? 0;
      const isFirst = open?.episode !== episode;
      if (isFirst) {
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
      const [atUs, frame] = [instants[row] ?? 0, frames[row] ?? 0];
      const isNear = atUs >= last.atUs && atUs - last.atUs <= (window?.longestGapUs ?? -1);
      open?.rows.push({ atUs, isRow: areRows[row] === 1, follows: !isFirst && frame === last.frame + 1 && isNear });
      last = { atUs, frame };
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
  readonly #losses: ImageLosses;

  constructor(
    ports: SetPorts,
    decoded: DecodedClips,
    scratch: ImageScratch,
    input: RowImagesInput,
    losses: ImageLosses,
  ) {
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
    const seen: (SeenClip | ImageLossReason)[] = [];
    const places: (readonly Seen[])[] = [];
    try {
      for (const [n, camera] of cameras.entries()) {
        const own = type === undefined ? undefined : camerasOf(type).find(({ name }) => name === camera.name);
        const clip = clips[n];
        if (clip === undefined || own === undefined) seen.push('noClip');
        else {
          const name = { robotId, sha256: clip.sha256, episodeId, camera: camera.name };
          seen.push(await this.#seenClip(name, clip.startedUs, camera, microseconds / own.rateHz, rows));
        }
      }
      const isWhole = rows.map((_, row) => seen.every((clip) => typeof clip === 'object' && clip.ofFrame[row] !== -1));
      for (const clip of seen)
        places.push(typeof clip === 'string' ? rows.map(() => clip) : await this.#placesOf(clip, rows, isWhole));
    } finally {
      for (const clip of seen) if (typeof clip === 'object') await clip.images.close();
    }
    const lost = new Set<ImageLossReason>();
    const lines = rows.flatMap(({ atUs, isRow }, row) => {
      if (!isRow) return [];
      const found = places.map((ofCamera) => ofCamera[row] ?? 'noImage');
      const reason = found.find((each) => typeof each === 'string');
      if (reason === undefined) return [[episode, atUs, ...this.#columnsOf(found)].join(',')];
      this.#losses.add(reason, lost.has(reason) ? 0 : 1);
      lost.add(reason);
      return [];
    });
    return lines.map((line) => `${line}\n`).join('');
  }

  /** As in `placeColumns`. */
  #columnsOf(found: readonly Seen[]): readonly number[] {
    const { images = 1 } = this.#input.window ?? {};
    return Array.from({ length: images }, (_, back) =>
      found.flatMap((each) => {
        const place = typeof each === 'string' ? undefined : (each[back] ?? each.at(-1));
        return place === undefined ? [] : [place.block, place.rest, place.size];
      }),
    ).flat();
  }

  /** The images of a clip, and which of them each frame sees; or why there are none. */
  async #seenClip(
    clip: ClipName,
    startedUs: number,
    camera: Camera,
    periodUs: number,
    rows: readonly Row[],
  ): Promise<SeenClip | ImageLossReason> {
    const instants = rows.map(({ atUs }) => atUs - startedUs);
    const images = await this.#opened(clip, camera, { instants, periodUs });
    if (typeof images === 'string') return images;
    const ofFrame = instants.map((instant) => {
      const image = imageOfFrame(images.atUs, instant, periodUs);
      return typeof image === 'string' ? -1 : image;
    });
    return { images, ofFrame };
  }

  /** The window of each row, its own image first; a frame without an image of every camera begins windows anew. */
  async #placesOf({ images, ofFrame }: SeenClip, rows: readonly Row[], isWhole: readonly boolean[]) {
    const copied = new Map<number, ImagePlace>();
    const following = new FollowingImages<number>(this.#input.window?.images ?? 1);
    const places: Seen[] = [];
    for (const [row, { isRow, follows }] of rows.entries()) {
      const image = ofFrame[row] ?? -1;
      const window = following.next(isWhole[row] === true ? image : undefined, follows);
      const seen: ImagePlace[] = [];
      for (const each of isRow ? window.toReversed() : []) {
        const place = copied.get(each) ?? (await this.#scratch.add(await images.read(each)));
        copied.set(each, place);
        seen.push(place);
      }
      if (seen.length > 0) places.push(seen);
      // One that lacks the image of another camera has its own.
      else places.push(image === -1 ? 'noImage' : []);
    }
    return places;
  }

  /** Images of a clip at a camera's learned size, those that frames see or more, or why there are none. */
  async #opened(clip: ClipName, camera: Camera, frames: FrameTimes): Promise<DecodedImages | ImageLossReason> {
    const { store } = this.#ports;
    const judged = await readClipVerdict(store, clip);
    if (judged?.verdict === 'refused') return 'clipRefused';
    const path = judged === undefined ? undefined : await store.localPath(clipKey(clip.sha256));
    if (path === undefined) return 'clipMissing';
    // All of a clip are kept for the next set, so that more are decoded at once than few frames see.
    const wanted = 2 * frames.instants.length <= (judged?.images ?? 0) ? frames : undefined;
    try {
      return await this.#decoded.open({ sha256: clip.sha256, path }, camera.learned, this.#ports.progress, wanted);
    } catch (error) {
      if (error instanceof ClipError) return 'clipRefused';
      throw error;
    }
  }
}
