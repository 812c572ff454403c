import type { RobotType } from '../../robot-type.ts';
import type { ImportMap } from '../import-map.ts';
import type { ImportInput, ImportSummary } from '../import-summary.ts';
import { importTables } from '../import-tables.ts';
import type { SourceEpisode } from '../source-episode.ts';
import { refusePointer, sourceFiles } from '../source-files.ts';
import type { TableReader } from '../table.ts';
import { Tally } from '../tally.ts';
import { dataReader } from './data-reader.ts';
import { infoFile, readLeRobotInfo, type LeRobotInfo } from './info.ts';
import { episodeFiles, readEpisodes, type EpisodeMeta } from './meta.ts';

export interface LeRobotInput extends ImportInput {
  /** Reads Parquet files. */
  readonly reader: TableReader;
  readonly map: ImportMap;
  readonly type: RobotType;
  readonly isAgain: boolean;
}

/**
 * Imports the numbers of a LeRobot data set (2.1 or 3) by a map whose columns are those of its data files, `observation.state[0]` for the
 * first number of a list. An episode that is not where, or not as long as, the data set says is not taken. Videos are not taken.
 */
export async function importLeRobot(input: LeRobotInput): Promise<ImportSummary> {
  const { path: folder, reader } = input;
  const tally = new Tally();
  const info = await readLeRobotInfo(folder);
  const known = await readEpisodes(folder, info, reader);
  const files = (await sourceFiles(`${folder}/data`, ['.parquet'], tally)).map(({ path, name }) => ({
    path,
    name: `data/${name}`,
  }));
  for (const { path } of files) await refusePointer(path);
  countCameras(info, tally);
  if (known.size !== info.episodes) tally.handled('episodesOfInfoAndMetaDiffer');
  return importTables({
    ...input,
    reader: dataReader(reader),
    format: 'lerobot',
    files,
    decidedBy: [{ path: infoFile(folder), name: 'meta/info.json' }, ...(await episodeFiles(folder, info))],
    tally,
    judged: (episodes) => judged(episodes, known, tally),
  });
}

/** Takes only episodes that are as the data set says. */
async function* judged(
  episodes: AsyncIterable<SourceEpisode>,
  known: ReadonlyMap<number, EpisodeMeta>,
  tally: Tally,
): AsyncGenerator<SourceEpisode> {
  const seen = new Set<number>();
  for await (const episode of episodes) {
    const index = episode.at.value === '' ? Number.NaN : Number(episode.at.value);
    const wrong = seen.has(index) ? 'its rows do not stand together' : mismatch(episode, known.get(index));
    if (known.has(index)) seen.add(index);
    if (wrong === undefined) yield episode;
    else tally.leftOut('episode', wrong);
  }
  const missing = [...known].filter(([index]) => !seen.has(index)).length;
  tally.leftOut('episode', 'in the meta data, and no row of it in the data', '', missing);
}

function mismatch({ at }: SourceEpisode, meta: EpisodeMeta | undefined): string | undefined {
  if (meta === undefined) return 'in the data, not in the meta data';
  if (meta.length !== at.rows) return 'other length than the meta data says';
  if (meta.fromRow === undefined || meta.toRow === undefined) return undefined;
  if (meta.toRow - meta.fromRow !== meta.length) return 'dataset_from_index and dataset_to_index do not fit its length';
  return meta.fromRow === at.firstRow ? undefined : 'other rows than dataset_from_index says';
}

function countCameras({ features, episodes }: LeRobotInfo, tally: Tally): void {
  for (const { key, kind } of features) {
    if (kind === 'video') tally.leftOut('video', 'cameras are not imported yet', key, Math.max(1, episodes));
    if (kind === 'image') tally.leftOut('field', 'cameras are not imported yet', key);
  }
}
