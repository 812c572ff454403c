import { lstat, mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { failure } from '../failures.ts';
import { reservedSegment } from '../object-key.ts';
import { errorCode } from './object-store-guard.ts';

/** Objects tell of a whole fleet: nobody but the account that runs Flywheel reads what it makes, whatever the umask says. */
export const privateFolder = 0o700;
export const privateFile = 0o600;

/** Makes the store's folders when missing; the root without symbolic links, against which every path is held. */
export async function openRoot(root: string): Promise<string> {
  await makeFolders(join(root, reservedSegment));
  return realpath(root);
}

/** One by one: Node's own `recursive` never returns where the system refuses a folder as missing, as below /proc. */
async function makeFolders(folder: string): Promise<void> {
  const make = async (): Promise<'made' | 'missing'> => {
    try {
      await mkdir(folder, privateFolder);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return 'missing';
      if (errorCode(error) !== 'EEXIST') throw error;
    }
    return 'made';
  };
  if ((await make()) === 'made') return;
  if (dirname(folder) !== folder) await makeFolders(dirname(folder));
  await mkdir(folder, privateFolder).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
}

/**
 * The path of an allowed key, and whether the folder it lies in can be: `open` it exists, `missing` it does not,
 * `blocked` an object stands where a folder would have to. A symbolic link below the root is refused with
 * `InvalidInput`, wherever it points: the store never made one, and what is behind it is not the store's.
 */
export async function locate(
  root: string,
  key: string,
): Promise<{ path: string; folder: 'open' | 'missing' | 'blocked' }> {
  const path = join(root, key);
  const folder = dirname(path);
  // The dot asks for a folder: without it an object in the folder's place would do.
  const found = await realpath(`${folder}/.`).catch(() => undefined);
  return { path, folder: found === folder ? 'open' : await explainFolder(root, key) };
}

async function explainFolder(root: string, key: string): Promise<'open' | 'missing' | 'blocked'> {
  let path = root;
  for (const segment of key.split('/').slice(0, -1)) {
    path = join(path, segment);
    const found = await lstatIfThere(path);
    if (found === undefined) return 'missing';
    if (found.isSymbolicLink()) throw linkRefused(root, key);
    if (!found.isDirectory()) return 'blocked';
  }
  return 'open';
}

/** What stands at the place of an object: nothing, the object, or a folder of other objects. */
export async function inspect(root: string, key: string, path: string): Promise<'nothing' | 'object' | 'folder'> {
  const found = await lstatIfThere(path);
  if (found === undefined) return 'nothing';
  if (found.isFile()) return 'object';
  if (found.isDirectory()) return 'folder';
  throw linkRefused(root, key);
}

async function lstatIfThere(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** True for an error that says there is no object at that path: nothing there, or an object where its folder would be. */
export function isMissing(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

export function linkRefused(root: string, key: string): Error {
  return failure('InvalidInput', 'expected only files and folders in the store, got a symbolic link or special file', {
    coordinates: { root, key },
  });
}

export function folderClash(root: string, key: string): Error {
  return failure('InvalidInput', 'expected a key that is not both an object and a folder of objects, got one that is', {
    coordinates: { root, key },
  });
}
