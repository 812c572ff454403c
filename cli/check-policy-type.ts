import { readPolicyDocument } from '../activities/registry/policy-document.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { readRobotType } from '../store/records/robot-types.ts';

/** A policy belongs to one robot type, and so do its robots; both must be there. */
export async function checkPolicyType(
  store: ObjectStore,
  policy: string,
  robotType: { id: string; version: number },
): Promise<void> {
  await readRobotType(store, robotType.id, robotType.version);
  const document = await readPolicyDocument(store, policy);
  const expected = document.robotType;
  if (expected.id !== robotType.id || expected.version !== robotType.version)
    throw new Error(
      `--robot-type: expected ${expected.id}@${expected.version}, the type of policy ${policy}, got ${robotType.id}@${robotType.version}`,
    );
}
