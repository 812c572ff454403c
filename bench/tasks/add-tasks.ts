import type { RobotType } from '../../datasets/robot-type.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { changeTasks } from '../../store/records/task-log.ts';

const by = { who: 'bench', why: 'a fleet of many tasks' };
const add = (id: string) => ({ kind: 'add', id, instruction: `do ${id}` }) as const;

/** One record a task: as many writes as a fleet owner would make in years. */
export async function addTasks(
  store: ObjectStore,
  robotType: RobotType,
  policy: string,
  count: number,
): Promise<readonly string[]> {
  const names = Array.from({ length: count - robotType.tasks.length }, (_, index) => `task-${index}`);
  for (const id of names)
    await changeTasks({ store, clock: Date.now }, { policy, robotType, changes: [add(id)], ...by });
  return [...robotType.tasks, ...names];
}
