import { cellKinds } from '../../datasets/mix/mix-plan.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { TrainingSetManifest } from '../../datasets/training-set.ts';
import type { SqlSession } from '../ports/sql.ts';
import { labelledByHand, type HandLabels } from './hand-labels.ts';
import { isSampled, sampledRows } from './sample-frames.ts';

export type LabelGaps = Pick<TrainingSetManifest, 'needsLabelFrames' | 'failures'>;

/**
 * What waits for a label, and where this cycle's failures went: into the set with at least one frame, or labelled by
 * hand, or else into the label queue. Speaks of split `train` alone: what is kept for measuring is never learned from. Where tasks are chosen, failures of
 * others are not this set's.
 */
export async function countLabelGaps(
  session: SqlSession,
  handLabels: HandLabels,
  learnedTasks?: readonly string[],
): Promise<LabelGaps> {
  const byHand = labelledByHand(handLabels).map(sqlText).join(', ');
  const isByHand = byHand === '' ? 'false' : `l.episode_id IN (${byHand})`;
  const isLearned = learnedTasks === undefined ? '' : `AND l.task IN (${learnedTasks.map(sqlText).join(', ')})`;
  const failureKinds = cellKinds.indexOf('other');
  const [row] = await session.rows(
    `WITH entered AS (
       SELECT DISTINCT m.episode_id FROM (SELECT * FROM ${sampledRows} WHERE ${isSampled}) AS s
         JOIN mixed_episode AS m ON m.rowid = s.episode
       WHERE m.is_fresh AND m.cell % ${cellKinds.length} < ${failureKinds}
     ), failures AS (
       SELECT l.labelled_count + l.left_out_count < l.frame_count AS is_waiting, e.episode_id IS NOT NULL OR ${isByHand} AS is_added
       FROM labelled_episode AS l LEFT JOIN entered AS e USING (episode_id)
       WHERE l.split = 'train' AND l.is_new AND l.outcome = 'failure' ${isLearned}
     )
     SELECT
       (SELECT coalesce(sum(frame_count - labelled_count - left_out_count), 0) FROM labelled_episode WHERE split = 'train') AS unlabelled,
       (SELECT count(*) FROM failures) AS valid,
       (SELECT count(*) FROM failures WHERE is_added) AS added,
       (SELECT count(*) FROM failures WHERE is_waiting AND NOT is_added) AS queued`,
  );
  return {
    needsLabelFrames: Number(row?.['unlabelled']),
    failures: {
      validEpisodes: Number(row?.['valid']),
      addedEpisodes: Number(row?.['added']),
      queuedForLabelEpisodes: Number(row?.['queued']),
    },
  };
}
