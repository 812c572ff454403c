import { labelledByOutcomeSql } from '../../datasets/label.ts';
import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { activeTasks } from '../../datasets/taught-type.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { Split } from '../../datasets/columns.ts';
import type { Lake } from '../lake/lake.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTableAs } from '../temp-table.ts';
import { expertCountTable, knownEpisodeTable, labelledEpisodeTable } from './tables.ts';
import { isUsableSql, type EpisodeExclusions } from './exclusions.ts';
import { sourceIndexSql, sourceTaskSql, type ResolvedSource } from './sources.ts';

export interface EpisodeScope {
  readonly robotType: Pick<RobotType, 'id' | 'version' | 'tasks' | 'catalogue'>;
  readonly datasetVersion: DatasetVersion;
  /** Episodes that are not part of this older version are new; without it none is. */
  readonly newSince?: DatasetVersion;
  readonly splits: readonly Split[];
  /** What persons said of single episodes; without it every episode counts. */
  readonly exclusions?: EpisodeExclusions;
  /** Where episodes of split `train` come from; without it from the robot type alone. Other splits are always its own. */
  readonly sources?: readonly ResolvedSource[] | undefined;
}

/**
 * Makes the temporary table `labelled_episode`: every episode in scope whose task is active, with `task_index` (place in the robot type's
 * list), `set_index` (place of its source, 0 without sources), `is_new`, and how many of its frames have a label (`labelled_count`). Only episodes whose outcome does not
 * label them need a look at their frames, and of those the expert's action only.
 */
export async function findLabelledEpisodes(session: SqlSession, lake: Lake, scope: EpisodeScope): Promise<void> {
  const tasks = `[${scope.robotType.tasks.map(sqlText).join(', ')}]::VARCHAR[]`;
  const active = `[${activeTasks(scope.robotType).map(sqlText).join(', ')}]::VARCHAR[]`;
  const splits = scope.splits.map(sqlText).join(', ');
  const isOwn = `robot_type = ${sqlText(scope.robotType.id)} AND robot_type_version = ${scope.robotType.version}`;
  await session.run(
    createTableAs(
      knownEpisodeTable,
      `SELECT episode_id, robot_id, task, list_position(${tasks}, task)::INTEGER - 1 AS task_index, outcome, split,
       recorded_on, frame_count, is_new, set_index, ${labelledByOutcomeSql('e')} AS is_labelled_by_outcome
     FROM (${withSources(await episodesWithAge(lake, scope), isOwn, scope.sources)}) AS e
     WHERE set_index IS NOT NULL AND split IN (${splits}) AND list_contains(${active}, task)
       ${scope.exclusions === undefined ? '' : `AND ${isUsableSql(scope.exclusions)}`}`,
    ),
  );
  const recordedOn = await daysOf(session, 'known_episode WHERE NOT is_labelled_by_outcome');
  const frames = await lake.scan('frames', scope.datasetVersion.frames, { recordedOn });
  await session.run(
    createTableAs(
      expertCountTable,
      `SELECT f.episode_id, count(*) AS labelled_count
     FROM ${frames} AS f SEMI JOIN (FROM known_episode WHERE NOT is_labelled_by_outcome) AS e USING (episode_id)
     WHERE f.expert_action IS NOT NULL GROUP BY f.episode_id`,
    ),
  );
  await session.run(
    createTableAs(
      labelledEpisodeTable,
      `SELECT k.*, CASE WHEN is_labelled_by_outcome THEN frame_count ELSE coalesce(c.labelled_count, 0) END::INTEGER
       AS labelled_count
     FROM known_episode AS k LEFT JOIN expert_count AS c USING (episode_id)`,
    ),
  );
  await session.run('DROP TABLE known_episode; DROP TABLE expert_count');
}

/** Episodes with `set_index`, NULL where they do not count, and the task by the name that the robot type gives it. */
function withSources(episodes: string, isOwn: string, sources: readonly ResolvedSource[] | undefined): string {
  const index =
    sources === undefined
      ? `CASE WHEN ${isOwn} THEN 0 END`
      : `CASE WHEN split = 'train' THEN ${sourceIndexSql(sources)} WHEN ${isOwn} THEN 0 END`;
  const task =
    sources === undefined ? 'task' : `CASE WHEN split = 'train' THEN ${sourceTaskSql(sources)} ELSE task END`;
  return `SELECT * REPLACE (${task} AS task) FROM (SELECT *, (${index})::INTEGER AS set_index FROM (${episodes}))`;
}

/**
 * Episodes with `is_new`. Only files that the older version lacks can hold new episodes; of those, rows that came from
 * files it had and that are gone now (another engine compacted the table) are not new.
 */
async function episodesWithAge(lake: Lake, scope: EpisodeScope): Promise<string> {
  const version = scope.datasetVersion.episodes;
  const columns =
    'episode_id, robot_id, robot_type, robot_type_version, site, task, outcome, intervened, split, recorded_on, frame_count';
  const since = scope.newSince?.episodes;
  if (since === undefined || since === version) {
    return `SELECT ${columns}, false AS is_new FROM ${await lake.scan('episodes', version)}`;
  }
  const kept = await lake.scan('episodes', version, { presentIn: since });
  const added = await lake.scan('episodes', version, { absentFrom: since });
  const replaced = await lake.scan('episodes', since, { absentFrom: version });
  return (
    `SELECT ${columns}, false AS is_new FROM ${kept} UNION ALL ` +
    `SELECT ${columns}, episode_id NOT IN (SELECT episode_id FROM ${replaced}) AS is_new FROM ${added}`
  );
}

/** Days of the rows of a relation that has `recorded_on`. */
export async function daysOf(session: SqlSession, relation: string): Promise<readonly string[]> {
  const rows = await session.rows(`SELECT DISTINCT recorded_on::VARCHAR AS day FROM ${relation} ORDER BY day`);
  return rows.map((row) => row['day'] as string);
}
