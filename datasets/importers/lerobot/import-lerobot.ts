import type { RobotType } from '../../robot-type.ts';
import type { ImportMap } from '../import-map.ts';
import type { ClipFileToLand } from '../episode-clip.ts';
import { ImportError, type ImportInput, type ImportSummary } from '../import-summary.ts';
import { importTables } from '../import-tables.ts';
import type { SourceEpisode } from '../source-episode.ts';
import { refusePointer, sourceFiles } from '../source-files.ts';
import type { TableReader } from '../table.ts';
import { Tally } from '../tally.ts';
import { dataReader } from './data-reader.ts';
import { EpisodeVideos } from './episode-videos.ts';
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
  /** Undefined: this machine cannot read videos. */
  readonly videos?: VideoPorts | undefined;
}

/** What it takes to turn videos into clips. */
export interface VideoPorts {
  readonly source: VideoSource;
  /** Puts a clip into the store. */
  readonly landClip: (clip: ClipFileToLand) => Promise<void>;
  /** Whether the store has a clip of this content. */
  readonly hasClip: (sha256: string) => Promise<boolean>;
}

/**
 * Imports the numbers of a LeRobot data set (2.1 or 3) by a map whose columns are those of its data files, `observation.state[0]` for the
 * first number of a list, and its videos as clips of the cameras that the map names. An episode that is not where, or not as long as, the data set says is
 * not taken.
 */
export async function importLeRobot(input: LeRobotInput): Promise<ImportSummary> {
  const { path: folder, reader, map, type } = input;
  const tally = new Tally();
  const info = await readLeRobotInfo(folder);
  const cameras = mappedCameras(map, type, info, tally);
  const known = await readEpisodes(
    folder,
    info,
    reader,
    cameras.map(({ feature }) => feature.key),
  );
  const files = (await sourceFiles(`${folder}/data`, ['.parquet'], tally)).map(({ path, name }) => ({
    path,
    name: `data/${name}`,
  }));
  for (const { path } of files) await refusePointer(path);
  if (known.size !== info.episodes) tally.handled('episodesOfInfoAndMetaDiffer');
  const videos = cameras.length === 0 ? undefined : openVideos(input, info, cameras, tally);
  return importTables({
    ...input,
    reader: dataReader(reader),
    format: 'lerobot',
    files,
    decidedBy: [
      { path: infoFile(folder), name: 'meta/info.json' },
      ...(await episodeFiles(folder, info)),
      ...((await videos?.files.all(known)) ?? []),
    ],
    tally,
    judged: (episodes, importId) => judged(episodes, known, tally, videos?.open(importId)),
  });
}

function openVideos(
  { path, store, map, scratchDirectory, videos, isRegistered }: LeRobotInput,
  info: LeRobotInfo,
  cameras: readonly MappedCamera[],
  tally: Tally,
) {
  if (videos === undefined)
    throw new ImportError(
      'expected an ffmpeg to read videos, got none: install ffmpeg or set FLYWHEEL_FFMPEG, or take lerobot.cameras out of the map',
    );
  const { source, landClip, hasClip } = videos;
  const features = cameras.map(({ feature }) => feature);
  const files = new VideoFiles(path, info, features, source);
  const site = typeof map.site === 'string' ? map.site : 'recording';
  const open = (importId: string | undefined): WithClips => {
    const madeClips = new MadeClips(store, importId, hasClip);
    const input = { cameras, files, source, landClip, madeClips, fps: info.fps, site, scratchDirectory, tally };
    const of = new EpisodeVideos(input);
    // Nothing of a robot that is registered is landed: landing refuses it.
    return async (episode, index, meta) =>
      (await isRegistered(episode.robotId)) ? episode : of.withClips(episode, index, meta);
  };
  return { files, open };
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
