import { canonicalJson } from '../../domain/canonical-json.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { documentOf } from '../../datasets/taught-type.ts';
import { modelFile } from '../../policies/model-manifest.ts';
import { tasksFile, versionTasksSchema, type VersionTasks } from '../../policies/version-tasks.ts';
import { readJson } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';

/** Bytes of the file `tasks.json` of a version that is made with this robot type; undefined where its own tasks are all. */
export function versionTasksFile({ tasks, catalogue }: RobotType): Uint8Array | undefined {
  if (catalogue === undefined) return undefined;
  const document: VersionTasks = { catalogueSeq: catalogue.seq, tasks };
  return new TextEncoder().encode(canonicalJson(document));
}

/** Ids of the tasks that a registered version knows, by index. */
export async function readVersionTasks(
  store: ObjectStore,
  type: RobotType,
  policy: string,
  version: string,
): Promise<readonly string[]> {
  const stored = await readJson(store, modelFile(policy, version, tasksFile), versionTasksSchema);
  return stored?.tasks ?? documentOf(type).tasks;
}
