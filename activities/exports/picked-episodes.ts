import type { Outcome, Split } from '../../datasets/columns.ts';
import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { isFilePattern, sqlText } from '../../datasets/sql-types.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Lake } from '../lake/lake.ts';
import { readExclusions } from '../mix/exclusions.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTable, createTableAs } from '../temp-table.ts';
import { excludedIdTable, pickedEpisodeTable, wantedEpisodeTable } from './tables.ts';

export interface ExportPorts {
  readonly store: ObjectStore;
  readonly lake: Lake;
  /** Of this export alone. */
  readonly session: SqlSession;
}

/** Which episodes of the lake are exported; what is not there asks for nothing. */
export interface ExportFilter {
  readonly tasks?: readonly string[];
  readonly robots?: readonly string[];
  readonly outcomes?: readonly Outcome[];
  readonly splits?: readonly Split[];
  /** UTC days `yyyy-mm-dd`, both included. */
  readonly from?: string;
  readonly to?: string;
}

export interface ExportInput {
  readonly version: DatasetVersion;
  readonly robotType: RobotType;
  readonly filter: ExportFilter;
  /** Folder on this machine that is not there yet, or empty, without `*`, `?`, `[`, `]`, `{` and `}`. */
  readonly folder: string;
}

export interface ExportSummary {
  readonly format: string;
  readonly robotType: string;
  readonly version: DatasetVersion;
  readonly episodes: number;
  readonly frames: number;
  readonly files: number;
  /** Episodes of the filter that a person has excluded, and so are not exported. */
  readonly excludedEpisodes: number;
  /** Episodes of the filter whose frames are not all in the lake at this version, and so are not exported. */
  readonly incompleteEpisodes: number;
  /** Where videos were asked for: episodes without an image of every camera for each frame, which are not exported. */
  readonly episodesWithoutVideos?: number;
}

/**
 * Puts the episodes of a filter into a temporary table, in the order of their start, numbered. `InvalidInput` for a folder whose name the
 * SQL engine would expand.
 */
export async function pickEpisodes(
  { store, lake, session }: ExportPorts,
  { version, robotType, filter, folder }: ExportInput,
): Promise<Pick<ExportSummary, 'excludedEpisodes' | 'incompleteEpisodes'>> {
  if (isFilePattern(folder))
    throw failure('InvalidInput', 'expected a folder without * ? [ ] { and } in its name: use another one', {
      coordinates: { folder },
    });
  const { excluded } = await readExclusions(store);
  await session.run('SET preserve_insertion_order = true');
  await session.run(createTable(excludedIdTable));
  for (let start = 0; start < excluded.length; start += 1_000) {
    const values = excluded.slice(start, start + 1_000).map((id) => `(${sqlText(id)})`);
    await session.run(`INSERT INTO excluded_id VALUES ${values.join(', ')}`);
  }
  const days = (await lake.days('episodes', version.episodes)).filter((day) => isWithin(day, filter));
  const scan = await lake.scan('episodes', version.episodes, { recordedOn: days });
  const wantedSql = `SELECT episode_id, robot_id, site, task, policy_version, started_at, outcome, failure_reason, intervened,
    frame_count, split, recorded_on FROM ${scan} AS e WHERE ${conditions(robotType, filter)}`;
  await session.run(createTableAs(wantedEpisodeTable, wantedSql));
  const frames = await lake.scan('frames', version.frames, { recordedOn: days });
  const pickedSql = `SELECT (row_number() OVER (ORDER BY started_at, e.episode_id) - 1)::BIGINT AS number, e.*
    FROM wanted_episode AS e JOIN (SELECT episode_id, count(*) AS stored FROM ${frames} AS f GROUP BY ALL) AS s
      ON s.episode_id = e.episode_id AND s.stored = e.frame_count
    WHERE e.episode_id NOT IN (SELECT episode_id FROM excluded_id) ORDER BY number`;
  await session.run(createTableAs(pickedEpisodeTable, pickedSql));
  const [counts] = await session.rows(`SELECT
    (SELECT count(*) FROM wanted_episode)::INTEGER AS wanted,
    (SELECT count(*) FROM wanted_episode WHERE episode_id IN (SELECT episode_id FROM excluded_id))::INTEGER AS excluded,
    (SELECT count(*) FROM picked_episode)::INTEGER AS picked`);
  const [wanted, excludedEpisodes, picked] = [counts?.['wanted'], counts?.['excluded'], counts?.['picked']].map(Number);
  return {
    excludedEpisodes: excludedEpisodes ?? 0,
    incompleteEpisodes: (wanted ?? 0) - (excludedEpisodes ?? 0) - (picked ?? 0),
  };
}

const isWithin = (day: string, { from = '', to = '9999' }: ExportFilter): boolean => day >= from && day <= to;

const oneOf = (column: string, values: readonly string[] | undefined): readonly string[] =>
  values === undefined ? [] : [values.length === 0 ? 'false' : `${column} IN (${values.map(sqlText).join(', ')})`];

function conditions({ id, version }: RobotType, { tasks, robots, outcomes, splits }: ExportFilter): string {
  return [
    `robot_type = ${sqlText(id)} AND robot_type_version = ${version}`,
    ...oneOf('task', tasks),
    ...oneOf('robot_id', robots),
    ...oneOf('outcome', outcomes),
    ...oneOf('split', splits),
  ].join(' AND ');
}

/** Takes episodes out of the picked ones, which are numbered anew. */
export async function leaveOut(session: SqlSession, numbers: readonly number[]): Promise<void> {
  if (numbers.length === 0) return;
  const rest = `SELECT (row_number() OVER (ORDER BY number) - 1)::BIGINT AS number, * EXCLUDE (number)
    FROM picked_episode WHERE number NOT IN (${numbers.join(', ')}) ORDER BY number`;
  await session.run(createTableAs(pickedEpisodeTable, rest));
}

/** A run of episodes whose frames go into one file. */
export interface Part {
  readonly firstEpisode: number;
  readonly lastEpisode: number;
  readonly frames: number;
  readonly days: readonly string[];
}

/** Cuts the picked episodes into parts of at most so many frames, an episode never across two. */
export async function partsOf(session: SqlSession, mostFrames: number): Promise<readonly Part[]> {
  // A running sum decides the part: an episode begins a new one where the frames before it fill another.
  const rows = await session.rows(`SELECT min(number)::INTEGER AS first, max(number)::INTEGER AS last,
    sum(frame_count)::INTEGER AS frames, list_sort(list(DISTINCT CAST(recorded_on AS VARCHAR))) AS days
    FROM (SELECT *, (sum(frame_count) OVER (ORDER BY number) - frame_count) // ${mostFrames} AS part FROM picked_episode)
    GROUP BY part ORDER BY first`);
  return rows.map((row) => ({
    firstEpisode: Number(row['first']),
    lastEpisode: Number(row['last']),
    frames: Number(row['frames']),
    days: row['days'] as readonly string[],
  }));
}

/** Frames of a part with their episode, as a relation: `e` and `f`. */
export const framesOfPart = async (
  { lake }: ExportPorts,
  { version }: ExportInput,
  { days, firstEpisode, lastEpisode }: Part,
): Promise<string> =>
  `(SELECT * FROM picked_episode WHERE number BETWEEN ${firstEpisode} AND ${lastEpisode}) AS e
   JOIN ${await lake.scan('frames', version.frames, { recordedOn: days })} AS f ON f.episode_id = e.episode_id`;
