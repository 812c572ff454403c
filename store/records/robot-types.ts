import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { robotTypeKey, robotTypeName, robotTypeSchema, type RobotType } from '../../datasets/robot-type.ts';
import { failure } from '../failures.ts';
import { jsonBytes, readJson, requireJson } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';

/** The document of a robot type, or `NotFound` with what to do about it. */
export async function readRobotType(store: ObjectStore, id: string, version: number): Promise<RobotType> {
  const hint = `robot type ${id}@${version} is not known here: put its document there first`;
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
