import type { RobotType } from '../../datasets/robot-type.ts';
import { taughtType } from '../../datasets/taught-type.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readRobotType, readRobotTypeVersions } from '../../store/records/robot-types.ts';
import { readTaskCatalogue } from '../../store/records/task-log.ts';
import { readPolicyDocuments } from '../registry/policy-document.ts';

/**
 * A robot type as collections judge it: its tasks are those that any policy of one of its versions knows now, the retired included, because what one
 * collection takes in is for all of them.
 */
export const collectedType = async (
  store: ObjectStore,
  { id, version }: Pick<RobotType, 'id' | 'version'>,
): Promise<RobotType> => withKnownTasks(store, await readRobotType(store, id, version));

/** The same for a document that is at hand. */
export async function withKnownTasks(store: ObjectStore, type: RobotType): Promise<RobotType> {
  const known = new Set(type.tasks);
  // What a damaged document says nothing of is refused as unknown, and can be released once it is sound.
  for (const { policy, robotType } of await readPolicyDocuments(store, () => undefined)) {
    if (robotType.id !== type.id) continue;
    // A policy that is trained for another body may ask this one for its tasks, too.
    const own = robotType.version === type.version ? type : await knownType(store, robotType);
    if (own !== undefined) for (const { id } of (await readTaskCatalogue(store, policy, own)).tasks) known.add(id);
  }
  if (known.size === type.tasks.length) return type;
  const tasks = [...known].map((id, index) => ({ id, index, instruction: id, status: 'active' }) as const);
  return taughtType(type, 'every policy of the type', { seq: 0, tasks });
}

async function knownType(store: ObjectStore, { id, version }: Pick<RobotType, 'id' | 'version'>) {
  return (await readRobotTypeVersions(store, id)).find((type) => type.version === version);
}
