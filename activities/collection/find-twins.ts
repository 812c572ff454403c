import { recordedEpisodeColumns, recordedFrameColumns } from '../../datasets/columns.ts';
import { sqlName } from '../../datasets/sql-types.ts';
import type { Twin } from '../../datasets/validation/episode-facts.ts';
import type { Lake } from '../lake/lake.ts';
import type { SqlRow, SqlSession } from '../ports/sql.ts';
import { createTableAs } from '../temp-table.ts';
import { twinFramesTable, twinsTable } from './tables.ts';

/** An accepted episode whose id is in the lake already, or came earlier in the batch. */
export interface TwinEpisode {
  readonly segment: number;
  readonly firstRow: number;
  readonly episodeId: string;
  readonly twin: Twin;
}

const list = (names: readonly string[], table: string): string =>
  names.map((name) => `${table}.${sqlName(name)}`).join(', ');
const keyOf = (row: SqlRow): string => JSON.stringify([row['segment'], row['episode_id']]);
const episodeNames = recordedEpisodeColumns.map(({ name }) => name);
const frameNames = recordedFrameColumns.map(({ name }) => name);

/**
 * Compares accepted episodes with those of the same id, column by column and frame by frame. The lake is searched on the
 * days of the batch and one day around them (another measure of the clock may carry an episode over midnight). What comes
 * first stays: the lake's, else the batch's by the order of keys.
 */
export async function findTwins(
  session: SqlSession,
  lake: Lake,
  acceptedFrames: string,
): Promise<readonly TwinEpisode[]> {
  const version = await lake.currentVersion();
  const dayRows = await session.rows(
    `SELECT DISTINCT strftime(unnest([recorded_on - 1, recorded_on, recorded_on + 1]), '%Y-%m-%d') AS day FROM accepted`,
  );
  const recordedOn = dayRows.map(({ day }) => day as string);
  const storedEpisodes = await lake.scan('episodes', version.episodes, { recordedOn });
  await session.run(
    createTableAs(
      twinsTable,
      `SELECT segment, episode_id, NULL::INTEGER AS original FROM accepted
        WHERE episode_id IN (SELECT episode_id FROM ${storedEpisodes})
      UNION ALL SELECT segment, episode_id, original FROM (
        SELECT segment, episode_id, min(segment) OVER (PARTITION BY episode_id) AS original FROM accepted
          WHERE episode_id IN (SELECT episode_id FROM accepted GROUP BY ALL HAVING count(*) > 1)
            AND episode_id NOT IN (SELECT episode_id FROM ${storedEpisodes})
      ) WHERE segment <> original`,
    ),
  );
  const twins = await session.rows(
    'SELECT segment, first_row, episode_id FROM twins JOIN heads USING (segment, episode_id) ORDER BY ALL',
  );
  if (twins.length === 0) return [];

  const storedFrames = await lake.scan('frames', version.frames, { recordedOn });
  await session.run(
    createTableAs(
      twinFramesTable,
      `SELECT * FROM ${acceptedFrames} WHERE episode_id IN (SELECT episode_id FROM twins)`,
    ),
  );
  const different = await session.rows(
    `WITH stored AS (SELECT * FROM ${storedFrames} WHERE episode_id IN (SELECT episode_id FROM twins)
        AND episode_id BETWEEN (SELECT min(episode_id) FROM twins) AND (SELECT max(episode_id) FROM twins))
    SELECT DISTINCT segment, episode_id FROM (
      ${differences(episodeNames, 'accepted', storedEpisodes)}
      UNION ALL BY NAME ${differences(['episode_id', ...frameNames], 'twin_frames', 'stored')})`,
  );
  const keys = new Set(different.map(keyOf));
  return twins.map((row) => ({
    segment: row['segment'] as number,
    firstRow: row['first_row'] as number,
    episodeId: row['episode_id'] as string,
    twin: keys.has(keyOf(row)) ? 'otherContent' : 'sameContent',
  }));
}

/** Segment and id of twins with a row that only one side has; NULL equals NULL. */
function differences(names: readonly string[], batch: string, stored: string): string {
  const mine = `SELECT t.segment, ${list(names, 'm')} FROM twins t JOIN ${batch} m ON m.segment = t.segment AND m.episode_id = t.episode_id`;
  const original =
    `SELECT t.segment, ${list(names, 's')} FROM twins t JOIN ${stored} s ON s.episode_id = t.episode_id WHERE t.original IS NULL ` +
    `UNION ALL SELECT t.segment, ${list(names, 'o')} FROM twins t JOIN ${batch} o ` +
    `ON o.segment = t.original AND o.episode_id = t.episode_id`;
  return (
    `SELECT segment, episode_id FROM ((${mine}) EXCEPT (${original})) ` +
    `UNION ALL SELECT segment, episode_id FROM ((${original}) EXCEPT (${mine}))`
  );
}
