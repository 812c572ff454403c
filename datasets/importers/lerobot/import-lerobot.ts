import type { RobotType } from '../../robot-type.ts';
import type { ImportMap } from '../import-map.ts';
import type { ClipFileToLand } from '../episode-clip.ts';
import { ImportError, type ImportInput, type ImportSummary } from '../import-summary.ts';
import { importTables } from '../import-tables.ts';
import type { SourceEpisode } from '../source-episode.ts';
import { refusePointer, sourceFiles } from '../source-files.ts';
import type { SourceFile } from '../table.ts';
import type { TableReader } from '../table.ts';
import { Tally } from '../tally.ts';
import { dataReader } from './data-reader.ts';
import { EpisodeClips } from './episode-clips.ts';
import { ImagesByRow } from './image-rows.ts';
import type { ImageTable } from './image-table.ts';
import { ImagesInRows } from './images-in-rows.ts';
import { ImagesInVideos } from './images-in-videos.ts';
import type { ImagesOfCamera } from './images-of-camera.ts';
import { infoFile, readLeRobotInfo, type LeRobotInfo } from './info.ts';
import { MadeClips } from './made-clips.ts';
import { mappedCameras, type MappedCamera } from './mapped-cameras.ts';
import { episodeFiles, readEpisodes, type EpisodeMeta } from './meta.ts';
import { VideoFiles } from './video-files.ts';
import type { VideoSource } from './video-source.ts';

export interface LeRobotInput extends ImportInput {
  /** Reads Parquet files. */
  readonly reader: TableReader;
  readonly map: ImportMap;
  readonly type: RobotType;
  readonly isAgain: boolean;
  /** Undefined: this machine cannot read videos and images. */
  readonly videos?: VideoPorts | undefined;
}

/** What it takes to turn videos and images into clips. */
export interface VideoPorts {
  readonly source: VideoSource;
  /** For the images of one camera. */
  readonly openImages: () => Promise<ImageTable>;
  /** Puts a clip into the store. */
  readonly landClip: (clip: ClipFileToLand) => Promise<void>;
  /** Whether the store has a clip of this content. */
  readonly hasClip: (sha256: string) => Promise<boolean>;
}

/**
 * Imports the numbers of a LeRobot data set (2.1 or 3) by a map whose columns are those of its data files, `observation.state[0]` for the
 * first number of a list, and its videos and images as clips of the cameras that the map names. An episode that is not where, or not as long as, the data
 * set says is not taken.
 */
export async function importLeRobot(input: LeRobotInput): Promise<ImportSummary> {
  const { path: folder, reader, map, type } = input;
  const tally = new Tally();
  const info = await readLeRobotInfo(folder);
  const cameras = mappedCameras(map, type, info, tally);
  const videoKeys = cameras.filter(isVideo).map(({ feature }) => feature.key);
  const known = await readEpisodes(folder, info, reader, videoKeys);
  const files = (await sourceFiles(`${folder}/data`, ['.parquet'], tally)).map(({ path, name }) => ({
    path,
    name: `data/${name}`,
  }));
  for (const { path } of files) await refusePointer(path);
  if (known.size !== info.episodes) tally.handled('episodesOfInfoAndMetaDiffer');
  const images = new Set(info.features.filter(({ kind }) => kind === 'image').map(({ key }) => key));
  const clips = cameras.length === 0 ? undefined : await openClips(input, { info, cameras, files, tally });
  try {
    return await importTables({
      ...input,
      reader: dataReader(reader, images),
      format: 'lerobot',
      files,
      decidedBy: [
        { path: infoFile(folder), name: 'meta/info.json' },
        ...(await episodeFiles(folder, info)),
        ...((await clips?.videos.all(known)) ?? []),
      ],
      tally,
      judged: (episodes, importId) => judged(episodes, known, tally, clips?.open(importId)),
    });
  } finally {
    await clips?.close();
  }
}

const isVideo = ({ feature }: MappedCamera): boolean => feature.kind === 'video';

interface Filmed {
  readonly info: LeRobotInfo;
  readonly cameras: readonly MappedCamera[];
  readonly files: readonly SourceFile[];
  readonly tally: Tally;
}

async function openClips(input: LeRobotInput, { info, cameras, files, tally }: Filmed) {
  const { path: folder, store, map, scratchDirectory, isRegistered } = input;
  if (input.videos === undefined)
    throw new ImportError(
      'expected an ffmpeg to read videos and images, got none: install ffmpeg or set FLYWHEEL_FFMPEG, or take lerobot.cameras out of the map',
    );
  const { source, openImages, landClip, hasClip } = input.videos;
  const filmed = cameras.filter(isVideo);
  const features = filmed.map(({ feature }) => feature);
  const videos = new VideoFiles(folder, info, features, source);
  const tables: ImageTable[] = [];
  const sources: ImagesOfCamera[] = [];
  for (const of of cameras) {
    if (isVideo(of)) {
      sources.push(new ImagesInVideos(of, filmed.indexOf(of), { files: videos, source, fps: info.fps, tally }));
      continue;
    }
    const table = await openImages();
    tables.push(table);
    const images = new ImagesByRow(table, files, of.feature.key);
    sources.push(new ImagesInRows(of, { folder, images, source, scratchDirectory }));
  }
  const site = typeof map.site === 'string' ? map.site : 'recording';
  const open = (importId: string | undefined): WithClips => {
    const madeClips = new MadeClips(store, importId, hasClip);
    const of = new EpisodeClips({ cameras: sources, landClip, madeClips, site, scratchDirectory, tally });
    // Nothing of a robot that is registered is landed: landing refuses it.
    return async (episode, index, meta) =>
      (await isRegistered(episode.robotId)) ? episode : of.withClips(episode, index, meta);
  };
  const close = async (): Promise<void> => {
    for (const table of tables) await table.close();
  };
  return { videos, open, close };
}

/** The episode as it is landed; undefined: not at all, which is counted. */
type WithClips = (episode: SourceEpisode, index: number, meta: EpisodeMeta) => Promise<SourceEpisode | undefined>;

/** Takes only episodes that are as the data set says. */
async function* judged(
  episodes: AsyncIterable<SourceEpisode>,
  known: ReadonlyMap<number, EpisodeMeta>,
  tally: Tally,
  withClips: WithClips = async (episode) => episode,
): AsyncGenerator<SourceEpisode> {
  const seen = new Set<number>();
  for await (const episode of episodes) {
    const index = episode.at.value === '' ? Number.NaN : Number(episode.at.value);
    const meta = known.get(index);
    if (meta === undefined) {
      tally.leftOut('episode', 'in the data, not in the meta data');
      continue;
    }
    const wrong = seen.has(index) ? 'its rows do not stand together' : mismatch(episode, meta);
    seen.add(index);
    if (wrong !== undefined) tally.leftOut('episode', wrong);
    else {
      const whole = await withClips(episode, index, meta);
      if (whole !== undefined) yield whole;
    }
  }
  const missing = [...known].filter(([index]) => !seen.has(index)).length;
  tally.leftOut('episode', 'in the meta data, and no row of it in the data', '', missing);
}

function mismatch({ at }: SourceEpisode, meta: EpisodeMeta): string | undefined {
  if (meta.length !== at.rows) return 'other length than the meta data says';
  if (meta.fromRow === undefined || meta.toRow === undefined) return undefined;
  if (meta.toRow - meta.fromRow !== meta.length) return 'dataset_from_index and dataset_to_index do not fit its length';
  return meta.fromRow === at.firstRow ? undefined : 'other rows than dataset_from_index says';
}
