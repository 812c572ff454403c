import { labelledByOutcomeSql, labelSql } from '../../datasets/label.ts';
import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import { bodyIndexSql, isPartial, mappedLabelSql, type NumberedBody } from '../../datasets/bodies/body-sql.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { activeTasks } from '../../datasets/taught-type.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { Split } from '../../datasets/columns.ts';
import type { Lake } from '../lake/lake.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTableAs } from '../temp-table.ts';
import type { FoundBodies, LakeBodies } from './bodies.ts';
import { expertCountTable, knownEpisodeTable, labelledEpisodeTable } from './tables.ts';
import { withHandLabels, type HandLabels } from './hand-labels.ts';
import { isUsableSql, type EpisodeExclusions } from './exclusions.ts';
import { sourceIndexSql, sourceTaskSql, type ResolvedSource } from './sources.ts';

export interface EpisodeScope {
  readonly robotType: RobotType;
  /** The robot type's bodies whose rows are read as its own. */
  readonly bodies: LakeBodies;
  readonly datasetVersion: DatasetVersion;
  /** Episodes that are not part of this older version are new; without it none is. */
  readonly newSince?: DatasetVersion;
  readonly splits: readonly Split[];
  /** What persons said of single episodes; without it every episode counts. */
  readonly exclusions?: EpisodeExclusions;
  /** What persons said of single frames; without it what was recorded counts. */
  readonly handLabels?: HandLabels;
  /** Only episodes recorded on these days, of the whole version; without it of all days. Not together with `newSince`. */
  readonly recordedOn?: readonly string[] | undefined;
  /** Where episodes of split `train` come from; without it from the robot type alone. Other splits are always its own. */
  readonly sources?: readonly ResolvedSource[] | undefined;
}

/**
 * Makes the temporary table `labelled_episode`: every episode in scope whose task is active, with `task_index` (place in the robot type's
 * list), `set_index` (place of its source, 0 without sources), `body_index`, `is_new`, how many of its frames have a label (`labelled_count`) and how many
 * one that the robot type does not have (`left_out_count`). Only episodes whose outcome does not label them, or whose body has other
 * actions, need a look at their frames. Gives what there is of each body.
 */
export async function findLabelledEpisodes(
  session: SqlSession,
  lake: Pick<Lake, 'scan'>,
  scope: EpisodeScope,
): Promise<FoundBodies> {
  const { read } = scope.bodies;
  const tasks = `[${scope.robotType.tasks.map(sqlText).join(', ')}]::VARCHAR[]`;
  const active = `[${activeTasks(scope.robotType).map(sqlText).join(', ')}]::VARCHAR[]`;
  const splits = scope.splits.map(sqlText).join(', ');
  const partial = read.filter(isPartial).map(({ index }) => index);
  const isPartialSql = partial.length === 0 ? 'false' : `body_index IN (${partial.join(', ')})`;
  await session.run(
    createTableAs(
      knownEpisodeTable,
      `SELECT episode_id, robot_id, task, list_position(${tasks}, task)::INTEGER - 1 AS task_index, outcome, split,
       recorded_on, frame_count, is_new, set_index, body_index, ${labelledByOutcomeSql('e')} AS is_labelled_by_outcome,
       ${isPartialSql} AS is_partial
     FROM (${withSources(await episodesWithAge(lake, scope), read, scope.sources)}) AS e
     WHERE set_index IS NOT NULL AND split IN (${splits}) AND list_contains(${active}, task)
       ${scope.exclusions === undefined ? '' : `AND ${isUsableSql(scope.exclusions)}`}`,
    ),
  );
  const isOpen = 'NOT is_labelled_by_outcome OR is_partial';
  const recordedOn = await daysOf(session, `known_episode WHERE ${isOpen}`);
  const recorded = await lake.scan('frames', scope.datasetVersion.frames, { recordedOn });
  const frames = scope.handLabels === undefined ? recorded : withHandLabels(recorded, scope.handLabels);
  await session.run(
    createTableAs(
      expertCountTable,
      `SELECT f.episode_id, count(*) FILTER (WHERE label IS NOT NULL) AS labelled_count,
       count(*) FILTER (WHERE label IS NULL) AS left_out_count
     FROM (SELECT f.episode_id, ${labelPresence(scope.robotType, read)} AS label
       FROM ${frames} AS f JOIN (FROM known_episode WHERE ${isOpen}) AS e USING (episode_id)
       WHERE e.is_labelled_by_outcome OR f.expert_action IS NOT NULL) AS f GROUP BY f.episode_id`,
    ),
  );
  await session.run(
    createTableAs(
      labelledEpisodeTable,
      `SELECT k.*, CASE WHEN is_labelled_by_outcome AND NOT is_partial THEN frame_count
         ELSE coalesce(c.labelled_count, 0) END::INTEGER AS labelled_count,
       coalesce(c.left_out_count, 0)::INTEGER AS left_out_count
     FROM known_episode AS k LEFT JOIN expert_count AS c USING (episode_id)`,
    ),
  );
  await session.run('DROP TABLE known_episode; DROP TABLE expert_count');
  return { present: await presentBodies(session, read), leftOut: await leftOut(session, lake, scope, splits) };
}

/** SQL that is NULL for a label that the robot type does not have. */
const labelPresence = ({ actions }: RobotType, bodies: readonly NumberedBody[]): string =>
  actions.kind === 'discrete'
    ? mappedLabelSql(bodies, 'e.body_index', labelSql('f', 'e.is_labelled_by_outcome'), actions.names)
    : 'true';

async function presentBodies(session: SqlSession, bodies: readonly NumberedBody[]): Promise<FoundBodies['present']> {
  const rows = await session.rows(
    `SELECT body_index, count(*) AS episodes, sum(left_out_count) AS frames FROM labelled_episode GROUP BY body_index`,
  );
  const found = new Map(rows.map((row) => [Number(row['body_index']), row]));
  return bodies.flatMap((body) => {
    const row = found.get(body.index);
    if (row === undefined) return [];
    return [{ ...body, episodes: Number(row['episodes']), leftOutFrames: Number(row['frames']) }];
  });
}

async function leftOut(
  session: SqlSession,
  lake: Pick<Lake, 'scan'>,
  { robotType, bodies, datasetVersion, sources = [] }: EpisodeScope,
  splits: string,
): Promise<FoundBodies['leftOut']> {
  // A source that is named as such is read as it is.
  const named = new Set(sources.map(({ type }) => robotTypeName(type)));
  const refused = bodies.refused.filter(({ type }) => !named.has(robotTypeName(type)));
  if (refused.length === 0) return [];
  const rows = await session.rows(
    `SELECT robot_type_version, count(*) AS episodes FROM ${await lake.scan('episodes', datasetVersion.episodes)}
     WHERE robot_type = ${sqlText(robotType.id)} AND split IN (${splits}) GROUP BY robot_type_version`,
  );
  const episodes = new Map(rows.map((row) => [Number(row['robot_type_version']), Number(row['episodes'])]));
  return refused.flatMap(({ type, reason }) => {
    const count = episodes.get(type.version) ?? 0;
    return count === 0 ? [] : [{ robotType: robotTypeName(type), episodes: count, reason }];
  });
}

/** Episodes with `set_index`, NULL where they do not count, with `body_index`, and the task by the name that the robot type gives it. */
function withSources(
  episodes: string,
  bodies: readonly NumberedBody[],
  sources: readonly ResolvedSource[] | undefined,
): string {
  const body = bodyIndexSql(bodies);
  const index =
    sources === undefined
      ? `CASE WHEN ${body} IS NOT NULL THEN 0 END`
      : `CASE WHEN split = 'train' THEN ${sourceIndexSql(sources, bodies)} WHEN ${body} IS NOT NULL THEN 0 END`;
  const task =
    sources === undefined ? 'task' : `CASE WHEN split = 'train' THEN ${sourceTaskSql(sources)} ELSE task END`;
  // What is no body of the robot type and a source all the same has its very features, in the same order.
  return `SELECT * REPLACE (${task} AS task) FROM (
    SELECT *, (${index})::INTEGER AS set_index, coalesce(${body}, 0) AS body_index FROM (${episodes}))`;
}

/**
 * Episodes with `is_new`. Only files that the older version lacks can hold new episodes; of those, rows that came from
 * files it had and that are gone now (another engine compacted the table) are not new.
 */
async function episodesWithAge(lake: Pick<Lake, 'scan'>, scope: EpisodeScope): Promise<string> {
  const version = scope.datasetVersion.episodes;
  const columns =
    'episode_id, robot_id, robot_type, robot_type_version, site, task, outcome, intervened, split, recorded_on, frame_count';
  const since = scope.newSince?.episodes;
  if (since === undefined || since === version) {
    const { recordedOn } = scope;
    const rows = await lake.scan('episodes', version, recordedOn === undefined ? {} : { recordedOn });
    return `SELECT ${columns}, false AS is_new FROM ${rows}`;
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
