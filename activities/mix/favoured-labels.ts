import { z } from 'zod';

import type { RobotType } from '../../datasets/robot-type.ts';
import { modelFile } from '../../policies/model-manifest.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readEvaluation } from '../evaluation/evaluation-document.ts';
import type { SqlSession } from '../ports/sql.ts';
import { isSampled, sampledRows } from './sample-frames.ts';

/** The version whose held-out misses say what to favour. */
export const favourMissedSchema = z.strictObject({ policy: z.string().min(1), version: z.string().min(1) });
export const favouredLabelsSchema = z.array(z.string().min(1)).min(1).max(1024);

/**
 * Labels that a version missed more often than others on held-out frames: those of which it found a smaller share than of labels on average. Undefined
 * without an evaluation, for continuous actions, and where all are found alike. The held-out frames themselves never enter a set.
 */
export async function missedLabels(
  store: ObjectStore,
  { actions }: Pick<RobotType, 'actions'>,
  { policy, version }: z.infer<typeof favourMissedSchema>,
): Promise<readonly string[] | undefined> {
  if (actions.kind !== 'discrete') return undefined;
  const evaluation = await readEvaluation(store, modelFile(policy, version, 'evaluation.json'));
  const known = (evaluation?.perLabel ?? []).flatMap(({ label, recall }) =>
    recall === null || !actions.names.includes(label) ? [] : [{ label, recall }],
  );
  const mean = known.reduce((sum, { recall }) => sum + recall, 0) / known.length;
  const missed = known.filter(({ recall }) => recall < mean).map(({ label }) => label);
  return missed.length === 0 ? undefined : missed;
}

/** How many training frames of the favoured labels really entered, and how many frames did; `endCell` is the first cell of validation. */
export async function countFavoured(
  session: SqlSession,
  labels: readonly number[],
  endCell: number,
): Promise<{ readonly takenFrames: number; readonly allFrames: number }> {
  const [row] = await session.rows(
    `SELECT count(*) FILTER (WHERE label IN (${labels.join(', ')})) AS taken, count(*) AS frames FROM ${sampledRows} WHERE ${isSampled} AND cell < ${endCell}`,
  );
  return { takenFrames: Number(row?.['taken']), allFrames: Number(row?.['frames']) };
}
