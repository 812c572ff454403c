import { clipKind, type Camera } from '../../datasets/camera.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { Lake } from '../lake/lake.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTableAs } from '../temp-table.ts';
import { episodeClipTable } from './image-tables.ts';
import { daysOf } from './labelled-episodes.ts';

/** Episodes and their labelled frames that have no clip of a camera that is asked for. */
export interface WithoutClip {
  readonly episodes: number;
  readonly frames: number;
}

/**
 * Makes the temporary table `episode_clip`, and takes the episodes that have no clip of every camera out of `table` (which has `episode_id`,
 * `recorded_on` and `labelled_count`), before anything is apportioned: they would fill the set and bring no rows.
 */
export async function keepEpisodesWithClips(
  session: SqlSession,
  lake: Lake,
  { table, cameras, episodesVersion }: { table: string; cameras: readonly Camera[]; episodesVersion: number },
): Promise<WithoutClip> {
  const recordedOn = await daysOf(session, table);
  const episodes = await lake.scan('episodes', episodesVersion, { recordedOn });
  const clips = cameras.map(
    ({ name }, n) => `list_filter(media, lambda m: m.kind = ${sqlText(clipKind(name))})[1] AS clip_${n}`,
  );
  const columns = cameras.map(
    (_, n) => `clip_${n}.sha256 AS sha256_${n}, epoch_us(clip_${n}."startedAt")::DOUBLE AS started_${n}`,
  );
  const hasAll = cameras.map((_, n) => `clip_${n}.sha256 IS NOT NULL AND clip_${n}."startedAt" IS NOT NULL`);
  await session.run(
    createTableAs(
      episodeClipTable,
      `SELECT episode_id, robot_id, ${columns.join(', ')} FROM (
         SELECT episode_id, robot_id, ${clips.join(', ')} FROM ${episodes} SEMI JOIN ${table} USING (episode_id)
       ) WHERE ${hasAll.join(' AND ')}`,
    ),
  );
  const [row] = await session.rows(
    `SELECT count(*) AS episodes, coalesce(sum(labelled_count), 0) AS frames FROM ${table} ANTI JOIN episode_clip USING (episode_id)
     WHERE labelled_count > 0`,
  );
  await session.run(`DELETE FROM ${table} WHERE episode_id NOT IN (SELECT episode_id FROM episode_clip)`);
  return { episodes: Number(row?.['episodes']), frames: Number(row?.['frames']) };
}
