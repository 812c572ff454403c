import {
  checkRobotType,
  followedBy,
  maxDocumentBytes,
  tooLarge,
  type Followed,
  type RobotTypeCheck,
} from '../datasets/robot-type-check/check-robot-type.ts';
import { builtInRobotTypes } from '../datasets/built-in-robot-types.ts';
import { robotTypeName, type RobotType } from '../datasets/robot-type.ts';
import { readRobotType, readRobotTypeVersions } from '../store/records/robot-types.ts';
import { isFailure } from '../store/failures.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { CommandError } from './exit-codes.ts';
import { parseRobotType } from './parse-robot-type.ts';
import { readSmallFile } from './read-small-file.ts';

/** Gives the document of the version that one follows; undefined where it is not known. */
export type FindFollowed = (followed: {
  readonly id: string;
  readonly version: number;
}) => Promise<RobotType | undefined>;

/** Judges the document in a file, without reading more than a document may have; without `find`, not how it follows another. */
export async function checkRobotTypeFile(file: string, find?: FindFollowed): Promise<RobotTypeCheck> {
  const read = await readSmallFile(file, maxDocumentBytes);
  if (read instanceof Uint8Array) return checkRobotType(read, await followedOf(read, find));
  return { type: undefined, problems: [tooLarge(`${read.sizeBytes} bytes`)], problemsNotListed: 0 };
}

const isName = /^[a-z0-9][a-z0-9-]*@\d+$/;

/** A robot type by name, `scitos-g5@1`, of the store or one that comes with the project, or the document in a file. */
export async function findRobotType(store: () => Promise<ObjectStore>, nameOrFile: string): Promise<RobotType> {
  if (!isName.test(nameOrFile)) {
    const { type } = await checkRobotTypeFile(nameOrFile);
    if (type !== undefined) return type;
    throw new CommandError(
      'wrong',
      `${nameOrFile}: expected a valid robot type; \`flywheel robot-types check\` lists the problems`,
    );
  }
  const { id, version } = parseRobotType(nameOrFile);
  const builtIn = builtInRobotTypes.find((type) => robotTypeName(type) === nameOrFile);
  try {
    return await readRobotType(await store(), id, version);
  } catch (error) {
    if (builtIn === undefined || !isNotThere(error)) throw error;
    return builtIn;
  }
}

/** The same; a document in a file has to be one that `robot-types add` would take, with the version that it follows. */
export async function findSoundRobotType(store: () => Promise<ObjectStore>, nameOrFile: string): Promise<RobotType> {
  const type = await findRobotType(store, nameOrFile);
  if (type.follows === undefined || isName.test(nameOrFile)) return type;
  const { type: sound, problems } = await checkRobotTypeFile(nameOrFile, findFollowed(store));
  if (sound !== undefined) return sound;
  const [first] = problems;
  throw new CommandError(
    'wrong',
    `${nameOrFile}: expected a robot type that follows a known one, got problems, the first at ${first?.path}: ` +
      `expected ${first?.expected}, got ${first?.got}; flywheel robot-types check lists all`,
  );
}

async function followedOf(bytes: Uint8Array, find: FindFollowed | undefined): Promise<Followed> {
  if (find === undefined) return { kind: 'notAsked' };
  const named = followedBy(bytes);
  const type = named && (await find(named));
  return type === undefined ? { kind: 'unknown' } : { kind: 'known', type };
}

/** Looks a followed version up as {@link findRobotType} does, or takes the document in `file`. */
export const findFollowed =
  (store: () => Promise<ObjectStore>, file?: string): FindFollowed =>
  async ({ id, version }) => {
    if (file !== undefined) return findRobotType(store, file);
    try {
      return await findRobotType(store, `${id}@${version}`);
    } catch (error) {
      if (isNotThere(error)) return undefined;
      throw error;
    }
  };

/** All versions of a type that are known here or come with the project. */
export async function knownVersions(store: () => Promise<ObjectStore>, id: string): Promise<readonly RobotType[]> {
  const builtIn = builtInRobotTypes.filter((type) => type.id === id);
  const stored = await store().then(
    (there) => readRobotTypeVersions(there, id),
    (error: unknown) => {
      if (isNotThere(error)) return [];
      throw error;
    },
  );
  return [...stored, ...builtIn.filter(({ version }) => !stored.some((type) => type.version === version))];
}

// Those of the project are there without an installation, too.
const isNotThere = (error: unknown): boolean =>
  isFailure(error, 'NotFound') || (error instanceof CommandError && error.kind === 'missing');
