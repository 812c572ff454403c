import type { Camera } from '../../datasets/camera.ts';
import type { NumberedBody } from '../../datasets/bodies/body-sql.ts';
import type { SetImages } from '../../datasets/training-set.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { SqlSession } from '../ports/sql.ts';
import type { ImageColumns } from './arrow-file.ts';
import { keepEpisodesWithClips, type WithoutClip } from './episode-clips.ts';
import type { SetPorts } from './ports.ts';
import { findRowImages, placeColumns, type ImageWindow, type RowImages } from './row-images.ts';
import { longestGapUs } from './row-past.ts';
import { imageEncoder } from '../media/image-encoder.ts';
import { imageColumns } from './set-cameras.ts';

export interface SetImagesInput {
  readonly cameras: readonly Camera[];
  readonly directory: string;
  /** Images of a row and camera, that of its own frame included; default: that alone. */
  readonly images?: number | undefined;
}

/** The rows of a set, as SQL, and what is around them. */
export interface FoundRows extends Pick<ImageWindow, 'frames'> {
  readonly rows: string;
  readonly bodies: readonly NumberedBody[];
  readonly robotType: Pick<RobotType, 'rateHz' | 'limits'>;
}

/** The images of a set that is being made; one without cameras does nothing at any step. */
export interface OpenSetImages {
  /** Columns of images behind the rows of a file. */
  readonly places: readonly string[];
  /** Leaves in a table the episodes that have clips of all cameras. */
  keepEpisodes(table: string, episodesVersion: number): Promise<void>;
  /** Makes `row_image` for rows among frames, see `findRowImages`; then `keep` leaves those that have their images. */
  find(rows: FoundRows, keep?: (session: SqlSession) => Promise<void>): Promise<void>;
  columns(): ImageColumns | undefined;
  /** For the manifest. */
  facts(): SetImages | undefined;
  close(): Promise<void>;
}

/** Gives `work` the images of a set, and closes them at its end, whatever that is. */
export async function withSetImages<T>(
  ports: SetPorts,
  session: SqlSession,
  input: SetImagesInput,
  work: (images: OpenSetImages) => Promise<T>,
): Promise<T> {
  const images = openSetImages(ports, session, input);
  try {
    return await work(images);
  } finally {
    await images.close();
  }
}

function openSetImages(ports: SetPorts, session: SqlSession, input: SetImagesInput): OpenSetImages {
  const { cameras, directory, images: ofRow = 1 } = input;
  if (cameras.length === 0) return numbersOnly;
  let without: WithoutClip = { episodes: 0, frames: 0 };
  let images: RowImages | undefined;

  return {
    places: placeColumns(cameras, ofRow),
    keepEpisodes: async (table, episodesVersion) => {
      without = await keepEpisodesWithClips(session, ports.lake, { table, cameras, episodesVersion });
    },
    find: async ({ rows, bodies, frames, robotType }, keep) => {
      const window = ofRow === 1 ? undefined : { images: ofRow, frames, longestGapUs: longestGapUs(robotType) };
      images = await findRowImages(ports, session, { rows, cameras, bodies, directory, window });
      await keep?.(session);
    },
    columns: () => images && { names: imageColumns(cameras, ofRow), read: images.read },
    facts: () => ({
      cameras: cameras.map(({ name, learned }) => ({ name, ...learned })),
      leftOut: leftOutOf(without, images),
      encoder: imageEncoder(ports.clips?.decoder),
    }),
    close: async () => images?.close(),
  };
}

function leftOutOf(without: WithoutClip, images: RowImages | undefined): SetImages['leftOut'] {
  const found = images?.leftOut ?? [];
  const own = found.find(({ reason }) => reason === 'noClip') ?? { episodes: 0, frames: 0 };
  const noClip = {
    reason: 'noClip' as const,
    episodes: without.episodes + own.episodes,
    frames: without.frames + own.frames,
  };
  const others = found.filter(({ reason }) => reason !== 'noClip');
  return noClip.episodes === 0 ? others : [...others, noClip];
}

const numbersOnly: OpenSetImages = {
  places: [],
  keepEpisodes: async () => undefined,
  find: async () => undefined,
  columns: () => undefined,
  facts: () => undefined,
  close: async () => undefined,
};
