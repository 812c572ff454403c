import { constants, open } from 'node:fs/promises';

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

/** Judges the document in a file. Reads no more than a document may have, and from regular files only: opening a pipe would wait for ever, so nothing is waited for. */
export async function checkRobotTypeFile(file: string): Promise<RobotTypeCheck> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new CommandError('wrong', `expected a file that can be read, got none: ${file}`, { cause });
  });
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new CommandError('wrong', `expected a file, got something else: ${file}`);
    if (status.size > maxDocumentBytes)
      return { type: undefined, problems: [tooLarge(`${status.size} bytes`)], problemsNotListed: 0 };
    const bytes = new Uint8Array(maxDocumentBytes + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return checkRobotType(bytes.subarray(0, length));
  } finally {
    await handle.close();
  }
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
