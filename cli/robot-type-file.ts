import {
  checkRobotType,
  maxDocumentBytes,
  tooLarge,
  type RobotTypeCheck,
} from '../datasets/robot-type-check/check-robot-type.ts';
import { builtInRobotTypes } from '../datasets/built-in-robot-types.ts';
import { robotTypeName, type RobotType } from '../datasets/robot-type.ts';
import { readRobotType } from '../store/records/robot-types.ts';
import { isFailure } from '../store/failures.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { parseRobotType } from './parse-robot-type.ts';
import { readSmallFile } from './read-small-file.ts';

/** Judges the document in a file, without reading more than a document may have. */
export async function checkRobotTypeFile(file: string): Promise<RobotTypeCheck> {
  const read = await readSmallFile(file, maxDocumentBytes);
  if (read instanceof Uint8Array) return checkRobotType(read);
  return { type: undefined, problems: [tooLarge(`${read.sizeBytes} bytes`)], problemsNotListed: 0 };
}

/** A robot type by name, `scitos-g5@1`, of the store or one that comes with the project, or the document in a file. */
export async function findRobotType(store: () => Promise<ObjectStore>, nameOrFile: string): Promise<RobotType> {
  if (!/^[a-z0-9][a-z0-9-]*@\d+$/.test(nameOrFile)) {
    const { type } = await checkRobotTypeFile(nameOrFile);
    if (type !== undefined) return type;
    throw new CommandError(
      'wrong',
      `${nameOrFile}: expected a sound robot type; flywheel robot-types check says what is wrong`,
    );
  }
  const { id, version } = parseRobotType(nameOrFile);
  const builtIn = builtInRobotTypes.find((type) => robotTypeName(type) === nameOrFile);
  try {
    return await readRobotType(await store(), id, version);
  } catch (error) {
    // Those of the project are there without an installation, too.
    const isNotThere =
      isFailure(error, 'NotFound') || (error instanceof CommandError && error.exitCode === exitCodes.missing);
    if (builtIn === undefined || !isNotThere) throw error;
    return builtIn;
  }
}
