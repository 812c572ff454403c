import { isPartial, type NumberedBody } from '../../datasets/bodies/body-sql.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { episodeHashSql } from '../../datasets/mix/sampling-key.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTableAs } from '../temp-table.ts';
import { heldoutEpisodeTable } from './tables.ts';
import { robotShareSql } from './robot-share.ts';
import { daysOf } from './labelled-episodes.ts';
import { shapedColumns } from './shaped-columns.ts';

/** Held-out episodes are thinned the same way at every training, so that policies are compared on the same ones. */
const seed = 0;

/**
 * Makes the temporary table `heldout_episode` out of `labelled_episode`: those with a labelled frame, numbered from 0 in
 * the order of their ids; of a robot its share only ({@link robotShareSql}). Past `maxEpisodes` the tasks take turns, so that a rare task keeps what it has; ties by hash,
 * then id. Gives their number, their days and their robots, which are numbered in that order.
 */
export async function chooseHeldoutEpisodes(
  session: SqlSession,
  maxEpisodes: number,
): Promise<{ readonly episodes: number; readonly days: readonly string[]; readonly robots: readonly string[] }> {
  const hash = episodeHashSql(seed, 'episode_id');
  await session.run(
    createTableAs(
      heldoutEpisodeTable,
      `WITH labelled AS (
       SELECT episode_id, robot_id, task_index, recorded_on, body_index, is_labelled_by_outcome, ${hash} AS episode_hash
       FROM labelled_episode WHERE labelled_count > 0
     ), turns AS (
       SELECT *, row_number() OVER (PARTITION BY task_index ORDER BY episode_hash, episode_id) AS turn
       FROM (${robotShareSql('labelled')})
     ), chosen AS (
       FROM turns QUALIFY row_number() OVER (ORDER BY turn, episode_hash, episode_id) <= ${maxEpisodes}
     )
     SELECT *, (row_number() OVER (ORDER BY episode_id) - 1)::INTEGER AS episode,
       (dense_rank() OVER (ORDER BY robot_id) - 1)::INTEGER AS robot FROM chosen`,
    ),
  );
  const [row] = await session.rows('SELECT count(*) AS episodes FROM heldout_episode');
  const robots = await session.rows('SELECT DISTINCT robot, robot_id FROM heldout_episode ORDER BY robot');
  return {
    episodes: Number(row?.['episodes']),
    days: await daysOf(session, 'heldout_episode'),
    robots: robots.map((found) => found['robot_id'] as string),
  };
}

/** Ids of the chosen episodes, by number. */
export async function heldoutEpisodeIds(session: SqlSession): Promise<readonly string[]> {
  const rows = await session.rows('SELECT episode_id FROM heldout_episode ORDER BY episode');
  return rows.map((row) => row['episode_id'] as string);
}

/** The frames that those around them are looked for, see `makeWindows`. */
export const heldoutWindowRowsSql = (frames: string): string =>
  `SELECT e.episode, e.episode_id, e.body_index, e.is_labelled_by_outcome, f.frame_index FROM ${frames} AS f JOIN heldout_episode AS e USING (episode_id)
    WHERE e.is_labelled_by_outcome OR f.expert_action IS NOT NULL`;

/** The frames that images are looked for, see `findRowImages`. */
export const heldoutImageRowsSql = (frames: string): string =>
  `SELECT e.episode, e.episode_id, e.body_index, epoch_us(f."timestamp") AS at_us
    FROM ${frames} AS f JOIN heldout_episode AS e USING (episode_id)
    WHERE e.is_labelled_by_outcome OR f.expert_action IS NOT NULL`;

interface HeldoutColumns {
  readonly saysBody?: boolean;
  readonly saysFrame?: boolean;
  /** Columns of `row_past`. */
  readonly past?: readonly string[];
  /** Columns of `row_run`. */
  readonly run?: readonly string[];
  /** Of `row_image AS i`. */
  readonly places?: readonly string[];
}

/**
 * The labelled frames of the chosen episodes, episode by episode in frame order; with `saysBody`, the place of each one's body in `bodies` behind, with
 * `saysFrame` the index of the frame; with `places`, only frames that have their images, and these columns of `row_image` last.
 */
export function heldoutSql(
  robotType: Pick<RobotType, 'observations' | 'actions'>,
  frames: string,
  bodies: readonly NumberedBody[],
  { saysBody = false, saysFrame = false, past = [], run = [], places = [] }: HeldoutColumns = {},
): string {
  const bodyPlaces = bodies.map(({ index }, place) => `WHEN ${index} THEN ${place}`).join(' ');
  const body = saysBody ? `, (CASE e.body_index ${bodyPlaces} END)::INTEGER` : '';
  const frame = saysFrame ? ', f.frame_index::INTEGER' : '';
  const { observation, label } = shapedColumns(robotType, 'f', 'e.is_labelled_by_outcome', bodies);
  const before =
    past.length === 0 ? '' : 'JOIN row_past AS p ON p.episode = e.episode AND p.frame_index = f.frame_index';
  const inRun = run.length === 0 ? '' : 'JOIN row_run AS r ON r.episode = e.episode AND r.frame_index = f.frame_index';
  const images =
    places.length === 0 ? '' : 'JOIN row_image AS i ON i.episode = e.episode AND i.at_us = epoch_us(f."timestamp")';
  return `SELECT ${observation}, ${label}, e.task_index, e.episode, e.robot${body}${frame}${past.map((name) => `, p.${name}`).join('')}${run.map((name) => `, r.${name}`).join('')}${places.map((place) => `, ${place}`).join('')}
    FROM ${frames} AS f JOIN heldout_episode AS e USING (episode_id) ${before} ${inRun} ${images}
    WHERE (e.is_labelled_by_outcome OR f.expert_action IS NOT NULL)${bodies.some(isPartial) ? ` AND ${label} IS NOT NULL` : ''}
    ORDER BY e.episode, f.frame_index`;
}
