import { splits } from '../../datasets/columns.ts';
import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import { labelValue, type LabelValue } from '../../domain/labelling/label-value.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readTaughtType, type RobotTypeReference } from '../../store/records/robot-types.ts';
import type { LakeReader } from '../lake/lake-reader.ts';
import type { SqlEngine, SqlSession } from '../ports/sql.ts';
import { readBodies } from './bodies.ts';
import { readExclusions } from './exclusions.ts';
import type { HandLabels } from './hand-labels.ts';
import { findLabelledEpisodes } from './labelled-episodes.ts';

interface LabelQueueQuestion {
  readonly robotType: RobotTypeReference;
  readonly datasetVersion: DatasetVersion;
  readonly handLabels: HandLabels;
  /** UTC days on which the episodes were recorded. */
  readonly days: readonly string[];
  readonly limit: number;
}

export interface QueuedEpisode extends LabelValue {
  readonly episodeId: string;
  readonly robotId: string;
  readonly task: string;
  readonly outcome: string;
  readonly intervened: boolean;
  readonly recordedOn: string;
  readonly frames: number;
  readonly unlabelledFrames: number;
  /** Somebody labelled a part of it, or said why it failed. */
  readonly isLabelled: boolean;
}

/** An episode of any split. */
export interface WaitingEpisode extends QueuedEpisode {
  readonly split: string;
}

export interface LabelQueue<T extends QueuedEpisode = QueuedEpisode> {
  readonly totalEpisodes: number;
  /** Those of them that somebody labelled in part, or said of why they failed. */
  readonly labelledEpisodes: number;
  readonly totalFrames: number;
  readonly episodes: readonly T[];
}

/**
 * Episodes of some days that wait for a label by hand, the most valuable first, then the newest; not those that are kept for measuring. It only reads, and
 * only files of these days.
 */
export async function readLabelQueue(
  ports: { readonly store: ObjectStore; readonly engine: SqlEngine; readonly lake: LakeReader },
  { robotType: reference, datasetVersion, handLabels, days, limit }: LabelQueueQuestion,
): Promise<LabelQueue & { readonly failureReasons: readonly string[] }> {
  const robotType = await readTaughtType(ports.store, reference);
  const bodies = await readBodies(ports.store, robotType);
  const exclusions = await readExclusions(ports.store);
  const learned = splits.filter((split) => split !== 'heldout');
  const scope = { robotType, bodies, datasetVersion, splits: learned, exclusions, handLabels, recordedOn: days };
  const session = await ports.engine.open();
  try {
    await findLabelledEpisodes(session, ports.lake, scope);
    const recorded = await ports.lake.scan('episodes', datasetVersion.episodes, { recordedOn: days });
    const { episodes, ...totals } = await rankWaiting(session, { recorded, handLabels, limit });
    return {
      ...totals,
      episodes: episodes.map(({ split: _split, ...episode }) => episode),
      failureReasons: await failureReasonsOf(session, recorded, handLabels),
    };
  } finally {
    await session.close();
  }
}

/** As many as there are keys for. */
const mostFailureReasons = 9;
/** As long as a label may be. */
const longestFailureReason = 200;

/** Why episodes of `labelled_episode` failed, as persons said, else as their robots did: the most frequent reasons first, then by name. */
async function failureReasonsOf(
  session: SqlSession,
  recorded: string,
  { holding }: HandLabels,
): Promise<readonly string[]> {
  const said = new Map(
    holding.flatMap((label) =>
      label.kind === 'failureReason' ? [[label.episodeId, label.failureReason] as const] : [],
    ),
  );
  const pairs = [...said].map(([episodeId, reason]) => `(${sqlText(episodeId)}, ${sqlText(reason)})`);
  const byHand = pairs.length === 0 ? 'SELECT NULL::VARCHAR, NULL::VARCHAR' : `VALUES ${pairs.join(', ')}`;
  const rows = await session.rows(
    `SELECT coalesce(s.reason, r.failure_reason) AS reason, count(*) AS n
     FROM labelled_episode AS l JOIN ${recorded} AS r USING (episode_id) LEFT JOIN (${byHand}) AS s(episode_id, reason) USING (episode_id)
     WHERE trim(coalesce(s.reason, r.failure_reason, '')) <> '' AND length(coalesce(s.reason, r.failure_reason)) <= ${longestFailureReason}
     GROUP BY 1 ORDER BY n DESC, 1 LIMIT ${mostFailureReasons}`,
  );
  return rows.map((row) => row['reason'] as string);
}

/** Those of `labelled_episode` with frames that have no label, the most valuable first, then the newest. `recorded`: SQL of the episodes as they were recorded. */
export async function rankWaiting(
  session: SqlSession,
  { recorded, handLabels, limit }: { readonly recorded: string } & Pick<LabelQueueQuestion, 'handLabels' | 'limit'>,
): Promise<LabelQueue<WaitingEpisode>> {
  const touched = [...new Set(handLabels.holding.map(({ episodeId }) => episodeId))];
  const waiting = `(SELECT l.*, r.intervened, ${isInSql('l.episode_id', touched)} AS is_touched
    FROM labelled_episode AS l JOIN ${recorded} AS r USING (episode_id)
    WHERE l.labelled_count + l.left_out_count < l.frame_count) AS w`;
  const kinds = await kindsOf(session, waiting);
  const [totals] = await session.rows(
    `SELECT count(*) AS episodes, count(*) FILTER (is_touched) AS labelled, coalesce(sum(frame_count - labelled_count - left_out_count), 0) AS frames FROM ${waiting}`,
  );
  const rows = kinds.length === 0 ? [] : await session.rows(rankedSql(waiting, kinds, limit));
  return {
    totalEpisodes: Number(totals?.['episodes']),
    labelledEpisodes: Number(totals?.['labelled']),
    totalFrames: Number(totals?.['frames']),
    episodes: rows.map((row) => queued(row, kinds)),
  };
}

const isInSql = (column: string, ids: readonly string[]): string =>
  ids.length === 0 ? 'false' : `${column} IN (${ids.map(sqlText).join(', ')})`;

/** Episodes that are worth the same. */
interface Kind extends LabelValue {
  readonly task: string;
  readonly outcome: string;
  readonly intervened: boolean;
  readonly isTouched: boolean;
}

async function kindsOf(session: SqlSession, waiting: string): Promise<readonly Kind[]> {
  const rows = await session.rows(
    `SELECT w.task, w.outcome, w.intervened, w.is_touched, any_value(t.episodes) AS episodes, any_value(t.failures) AS failures
     FROM ${waiting} JOIN (
       SELECT task, count(*) AS episodes, count(*) FILTER (WHERE outcome = 'failure') AS failures FROM labelled_episode GROUP BY task
     ) AS t USING (task) GROUP BY ALL ORDER BY ALL`,
  );
  return rows.map((row) => {
    const kind = {
      task: row['task'] as string,
      outcome: row['outcome'] as string,
      intervened: row['intervened'] as boolean,
      isTouched: row['is_touched'] as boolean,
    };
    const [taskEpisodes, taskFailures] = [Number(row['episodes']), Number(row['failures'])];
    return { ...kind, ...labelValue({ ...kind, taskEpisodes, taskFailures }) };
  });
}

function rankedSql(waiting: string, kinds: readonly Kind[], limit: number): string {
  const known = kinds.map(
    ({ task, outcome, intervened, isTouched, value }, kind) =>
      `(${kind}, ${sqlText(task)}, ${sqlText(outcome)}, ${intervened}, ${isTouched}, ${value}::DOUBLE)`,
  );
  return `SELECT w.*, w.recorded_on::VARCHAR AS day, k.kind FROM ${waiting}
    JOIN (VALUES ${known.join(', ')}) AS k(kind, task, outcome, intervened, is_touched, "value")
      USING (task, outcome, intervened, is_touched)
    ORDER BY k."value" DESC, w.recorded_on DESC, w.episode_id DESC LIMIT ${Math.trunc(limit)}`;
}

function queued(row: Readonly<Record<string, unknown>>, kinds: readonly Kind[]): WaitingEpisode {
  const { value = 0, reasons = [], isTouched: isLabelled = false } = kinds[Number(row['kind'])] ?? {};
  return {
    episodeId: row['episode_id'] as string,
    robotId: row['robot_id'] as string,
    task: row['task'] as string,
    outcome: row['outcome'] as string,
    split: row['split'] as string,
    intervened: row['intervened'] as boolean,
    recordedOn: row['day'] as string,
    frames: Number(row['frame_count']),
    unlabelledFrames: Number(row['frame_count']) - Number(row['labelled_count']) - Number(row['left_out_count']),
    isLabelled,
    value,
    reasons,
  };
}
