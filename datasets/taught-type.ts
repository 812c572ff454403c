import type { RobotType } from './robot-type.ts';
import type { TaskCatalogue } from './task-catalogue.ts';

/**
 * The robot type as a policy's robots are taught: `tasks` are those of the catalogue, by index, the retired included. Without any record of
 * a catalogue it is the document itself.
 */
export function taughtType(type: RobotType, policy: string, { seq, tasks }: TaskCatalogue): RobotType {
  if (seq < 0) return type;
  const retired = tasks.filter(({ status }) => status === 'retired').map(({ id }) => id);
  const { tasks: documentTasks } = documentOf(type);
  return { ...type, tasks: tasks.map(({ id }) => id), catalogue: { policy, seq, documentTasks, retired } };
}

/** The robot type's own document. */
export function documentOf({ catalogue, ...type }: RobotType): Omit<RobotType, 'catalogue'> {
  return catalogue === undefined ? type : { ...type, tasks: [...catalogue.documentTasks] };
}

type Tasks = Pick<RobotType, 'tasks' | 'catalogue'>;

/** Tasks that are trained on and counted, in the order of their indexes. */
export function activeTasks({ tasks, catalogue }: Tasks): readonly string[] {
  if (catalogue === undefined || catalogue.retired.length === 0) return tasks;
  const retired = new Set(catalogue.retired);
  return tasks.filter((task) => !retired.has(task));
}
