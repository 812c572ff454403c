import { builtInRobotTypes } from '../datasets/built-in-robot-types.ts';
import { robotTypeName, robotTypeSchema, type RobotType } from '../datasets/robot-type.ts';
import { readJsonFile } from './read-json-file.ts';

/** `scitos-g5@1` as id and version; throws with what was expected. */
export function parseRobotType(text: string): { id: string; version: number } {
  const match = /^([a-z0-9][a-z0-9-]*)@([1-9]\d*)$/.exec(text);
  if (match?.[1] === undefined) throw new Error(`--robot-type: expected id@version, e.g. scitos-g5@1, got ${text}`);
  return { id: match[1], version: Number(match[2]) };
}

/** A built-in robot type by its name, `scitos-g5@1`, or the document in a file. */
export async function readRobotType(nameOrFile: string): Promise<RobotType> {
  const builtIn = builtInRobotTypes.find((type) => robotTypeName(type) === nameOrFile);
  return builtIn ?? (await readJsonFile(nameOrFile, robotTypeSchema));
}
