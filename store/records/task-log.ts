import { cleanText } from '../../domain/clean-text.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { documentOf } from '../../datasets/taught-type.ts';
import {
  plannedChanges,
  taskCatalogue,
  taskRecordSchema,
  type TaskCatalogue,
  type TaskChange,
  type TaskRefusal,
} from '../../datasets/task-catalogue.ts';
import { appendOnce, readLog } from '../append-log.ts';
import type { Clock } from '../clock.ts';
import { failure } from '../failures.ts';
import { describeIssues } from '../../domain/describe-issues.ts';
import type { ObjectStore } from '../object-store.ts';

export const taskLogPrefix = (policy: string): string => `config/tasks/${policy}`;

/**
 * The task catalogue of a policy of this robot type, as it was when record `untilSeq` was the last (−1: before the first); default: now.
 * `NotFound` for a seq that was never written, `CorruptData` for a record that is none.
 */
export async function readTaskCatalogue(
  store: ObjectStore,
  policy: string,
  robotType: RobotType,
  untilSeq?: number,
): Promise<TaskCatalogue> {
  const log = untilSeq === -1 ? [] : await readLog(store, taskLogPrefix(policy), taskRecordSchema);
  const catalogue = taskCatalogue(
    documentOf(robotType),
    log.filter(({ seq }) => untilSeq === undefined || seq <= untilSeq),
  );
  if (untilSeq === undefined || catalogue.seq === untilSeq) return catalogue;
  throw failure('NotFound', `expected record ${untilSeq} of the task catalogue, got ${catalogue.seq} as its last`, {
    coordinates: { prefix: taskLogPrefix(policy) },
  });
}

export interface ChangeTasksInput {
  readonly policy: string;
  /** Its tasks have the first indexes. */
  readonly robotType: RobotType;
  /** Carried out together or not at all. */
  readonly changes: readonly TaskChange[];
  readonly who: string;
  readonly why: string;
  /** What a person is told of a change that cannot be made; default: the task's id and why. */
  readonly describe?: (refusal: TaskRefusal) => string;
}

export interface ChangeTasksResult {
  readonly catalogue: TaskCatalogue;
  /** What was changed; less than was asked for where some of it held already. */
  readonly changed: readonly TaskChange[];
}

const mostToldRefusals = 20;

/**
 * Adds and retires tasks of a policy in one record, or in none where everything holds already. Of writers at once each sees what the
 * others wrote. `InvalidInput` when one of the changes cannot be made: then none is.
 */
export async function changeTasks(
  { store, clock }: { readonly store: ObjectStore; readonly clock: Clock },
  { policy, robotType, changes, who, why, describe = named }: ChangeTasksInput,
): Promise<ChangeTasksResult> {
  const { tasks: first } = documentOf(robotType);
  const asked = taskRecordSchema.safeParse({ changes, atMs: clock(), who, why });
  if (!asked.success) throw failure('InvalidInput', describeIssues(asked.error));
  const unprintable = changes.findIndex((change) => change.kind === 'add' && !isSentence(change.instruction));
  if (unprintable >= 0)
    throw failure(
      'InvalidInput',
      `changes.${unprintable}.instruction: expected a sentence without control characters or spaces around it`,
    );
  let result: ChangeTasksResult | undefined;
  await appendOnce(store, taskLogPrefix(policy), taskRecordSchema, (earlier) => {
    const known = taskCatalogue({ tasks: first }, earlier);
    const plan = plannedChanges(known, asked.data.changes);
    if ('refused' in plan) throw failure('InvalidInput', told(plan.refused.map(describe)));
    if (plan.needed.length === 0) {
      result = { catalogue: known, changed: [] };
      return { found: asked.data };
    }
    const record = { ...asked.data, ...(earlier.length === 0 ? { first } : {}), changes: [...plan.needed] };
    const seq = (earlier.at(-1)?.seq ?? -1) + 1;
    result = { catalogue: taskCatalogue({ tasks: first }, [...earlier, { seq, record }]), changed: plan.needed };
    return { append: record };
  });
  if (result === undefined) throw new Error('expected appendOnce to ask for a record, got none');
  return result;
}

const named = ({ id, reason }: TaskRefusal): string => `task ${id}: ${reason}`;
const isSentence = (text: string): boolean => text.trim() === text && cleanText(text) === text;

const told = (reasons: readonly string[]): string =>
  [
    ...reasons.slice(0, mostToldRefusals),
    ...(reasons.length > mostToldRefusals ? [`and ${reasons.length - mostToldRefusals} more`] : []),
  ].join('; ');
