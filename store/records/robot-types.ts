import { z } from 'zod';

import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { robotTypeKey, robotTypeName, robotTypeSchema, type RobotType } from '../../datasets/robot-type.ts';
import { taughtType } from '../../datasets/taught-type.ts';
import { readSoundJson } from '../damaged-objects.ts';
import { failure } from '../failures.ts';
import { jsonBytes, readJson, requireJson } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';
import { readTaskCatalogue } from './task-log.ts';

/** The document of a robot type, or `NotFound` with what to do about it. */
export async function readRobotType(store: ObjectStore, id: string, version: number): Promise<RobotType> {
  const hint = `robot type ${id}@${version} is not in the store: add its document first`;
  const type = await requireJson(store, robotTypeKey(id, version), robotTypeSchema, hint);
  if (type.id === id && type.version === version) return type;
  throw failure('CorruptData', `expected the document of ${id}@${version}, got the one of ${robotTypeName(type)}`, {
    coordinates: { key: robotTypeKey(id, version) },
  });
}

/** Makes a robot type known. Idempotent by id, version and content: a version never changes once it is there. */
export async function publishRobotType(store: ObjectStore, type: RobotType): Promise<void> {
  const key = robotTypeKey(type.id, type.version);
  if ((await store.putIfAbsent(key, jsonBytes(type))) === 'created') return;
  const stored = await readJson(store, key, robotTypeSchema);
  if (stored !== undefined && robotTypeDigest(stored) === robotTypeDigest(type)) return;
  throw failure('Conflict', `expected the stored ${robotTypeName(type)} or a new version, got other content`, {
    coordinates: { key },
  });
}

/** Where the versions of robot types lie that are known here, in order of id and version; of one type only when it is named. */
export async function listRobotTypes(
  store: ObjectStore,
  only?: string,
): Promise<readonly { readonly id: string; readonly version: number; readonly key: string }[]> {
  const found: { readonly id: string; readonly version: number; readonly key: string }[] = [];
  for await (const { key } of store.list(only === undefined ? 'config/robot-types/' : `config/robot-types/${only}/`)) {
    const [, id, version] = /^config\/robot-types\/([^/]+)\/([1-9]\d{0,8})\.json$/.exec(key) ?? [];
    if (id !== undefined) found.push({ id, version: Number(version), key });
  }
  return found.toSorted((a, b) => (a.id === b.id ? a.version - b.version : a.id < b.id ? -1 : 1));
}

/** All versions of a robot type that are known here and can be read, the oldest first: what follows what is told by them. */
export async function readRobotTypeVersions(store: ObjectStore, id: string): Promise<readonly RobotType[]> {
  const versions: RobotType[] = [];
  for (const { key, version } of await listRobotTypes(store, id)) {
    const type = await readSoundJson(store, key, robotTypeSchema, () => undefined);
    if (type !== undefined && type.id === id && type.version === version) versions.push(type);
  }
  return versions;
}

/** Names a robot type, and with `catalogue` the tasks that a policy's task catalogue had at one point. */
export const robotTypeReferenceSchema = z.object({
  id: z.string(),
  version: z.int().min(1),
  catalogue: z.strictObject({ policy: z.string(), seq: z.int().min(0) }).exactOptional(),
});
export type RobotTypeReference = Readonly<z.infer<typeof robotTypeReferenceSchema>>;

/** The same for a robot type that is at hand. */
export const referenceOf = ({ id, version, catalogue }: RobotType): RobotTypeReference => ({
  id,
  version,
  ...(catalogue === undefined ? {} : { catalogue: { policy: catalogue.policy, seq: catalogue.seq } }),
});

/** The robot type that a reference names, with the tasks of its catalogue. Always the same for the same reference. */
export async function readTaughtType(
  store: ObjectStore,
  { id, version, catalogue }: RobotTypeReference,
): Promise<RobotType> {
  const type = await readRobotType(store, id, version);
  if (catalogue === undefined) return type;
  return taughtType(type, catalogue.policy, await readTaskCatalogue(store, catalogue.policy, type, catalogue.seq));
}
