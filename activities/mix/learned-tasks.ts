import { z } from 'zod';

import { taskIdSchema, type RobotType } from '../../datasets/robot-type.ts';
import { activeTasks } from '../../datasets/taught-type.ts';
import { mostTasks } from '../../datasets/task-catalogue.ts';
import { failure } from '../../store/failures.ts';

/** `training.tasks`: each once. */
export const learnedTasksSchema = z
  .array(taskIdSchema)
  .min(1)
  .max(mostTasks)
  .refine((tasks) => new Set(tasks).size === tasks.length, 'expected each task once');

const mostNamed = 20;

/**
 * The tasks to learn, in the order of their indexes; undefined where nobody chose, or chose all that are active. `InvalidInput` names those
 * that the policy does not have, and those that are retired.
 */
export function learnedTasks(
  type: Pick<RobotType, 'tasks' | 'catalogue'>,
  chosen: readonly string[] | undefined,
): readonly string[] | undefined {
  if (chosen === undefined) return undefined;
  const active = activeTasks(type);
  const wrong = chosen.filter((task) => !active.includes(task));
  if (wrong.length > 0) {
    const more = active.length > mostNamed ? ` or ${active.length - mostNamed} more` : '';
    const said = wrong.slice(0, mostNamed).map((task) => (type.tasks.includes(task) ? `${task} (retired)` : task));
    throw failure(
      'InvalidInput',
      `training.tasks: expected active tasks of the policy (${active.slice(0, mostNamed).join(', ')}${more}), got ${said.join(', ')}; \`flywheel tasks list\` shows them, \`flywheel tasks add\` adds one`,
    );
  }
  const picked = active.filter((task) => chosen.includes(task));
  return picked.length === active.length ? undefined : picked;
}
