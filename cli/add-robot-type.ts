import { builtInRobotTypes } from '../datasets/built-in-robot-types.ts';
import { robotTypeDigest } from '../datasets/robot-type-digest.ts';
import { diffRobotTypes, type RobotTypeDiff } from '../datasets/robot-type-diff.ts';
import { robotTypeKey, robotTypeName, type RobotType } from '../datasets/robot-type.ts';
import { isFailure } from '../store/failures.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { publishRobotType, readRobotType } from '../store/records/robot-types.ts';

/** Adds a version; one that was there with other content, or comes with the project, is left as it is, and the answer is how they differ. */
export async function addRobotType(store: ObjectStore, type: RobotType): Promise<'added' | 'known' | RobotTypeDiff> {
  const other = await knownOtherwise(store, type);
  if (other !== undefined) return other;
  const wasThere = (await store.get(robotTypeKey(type.id, type.version))) !== undefined;
  try {
    await publishRobotType(store, type);
    return wasThere ? 'known' : 'added';
  } catch (error) {
    if (!isFailure(error, 'Conflict')) throw error;
    return diffRobotTypes(await readRobotType(store, type.id, type.version), type);
  }
}

/** How this very version differs from what is known of it, here or in the project; undefined where it may be added. */
export async function knownOtherwise(store: ObjectStore, type: RobotType): Promise<RobotTypeDiff | undefined> {
  const { id, version } = type;
  const builtIn = builtInRobotTypes.find((known) => robotTypeName(known) === robotTypeName(type));
  const isStored = (await store.get(robotTypeKey(id, version))) !== undefined;
  const known = isStored ? await readRobotType(store, id, version) : builtIn;
  return [builtIn, known]
    .filter((one) => one !== undefined && robotTypeDigest(one) !== robotTypeDigest(type))
    .map((one) => one && diffRobotTypes(one, type))[0];
}
