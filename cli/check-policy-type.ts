import { readPolicyDocument } from '../activities/registry/policy-document.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { readRobotType } from '../store/records/robot-types.ts';

/** A policy belongs to one robot type, and so do its robots, whatever their bodies (versions of it); both must be there. */
export async function checkPolicyType(
  store: ObjectStore,
  policy: string,
  robotType: { id: string; version: number },
): Promise<void> {
  await readRobotType(store, robotType.id, robotType.version);
  const { robotType: expected } = await readPolicyDocument(store, policy);
  if (expected.id !== robotType.id)
    throw new Error(
      `--robot-type: expected a version of ${expected.id}, the type of policy ${policy}, got ${robotType.id}@${robotType.version}`,
    );
}
