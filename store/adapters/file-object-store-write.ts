import { randomUUID } from 'node:crypto';
import { chmod, constants, copyFile, link, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';

import { reservedSegment } from '../object-key.ts';
import type { Clock } from '../clock.ts';
import type { ObjectBody } from '../object-store.ts';
import { bodyFile, errorCode } from './object-store-guard.ts';
import { folderClash, inspect, locate, privateFile, privateFolder } from './file-object-store-paths.ts';

/** Another device, another owner's file, too many links, a file system without links. */
const copyInsteadOfLink = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP']);
/** A concurrent delete may take the just made folder away again; more often than this is no coincidence. */
const maxFolderAttempts = 10;
const abandonedAfterMs = 24 * 3_600_000;

/** `replace` what is there, or `create` where nothing is. */
export type WriteMode = 'replace' | 'create';

/**
 * Writes the bytes to an unfinished file, syncs it, and gives it its name by `rename` (replacing) or `link` (never
 * replacing), both atomic; then syncs the folder. A death at any point leaves the old object or the new one.
 */
export async function writeObject(
  root: string,
  key: string,
  body: ObjectBody,
  mode: WriteMode,
  nowMs: Clock,
): Promise<'created' | 'exists'> {
  const { path, folder } = await locate(root, key);
  if (folder === 'blocked') throw folderClash(root, key);
  const standing = folder === 'open' ? await inspect(root, key, path) : 'nothing';
  if (standing === 'folder') throw folderClash(root, key);
  if (standing === 'object' && mode === 'create') return 'exists';

  const unfinished = join(root, reservedSegment, randomUUID());
  try {
    await writeUnfinished(unfinished, body, key, nowMs() / 1_000);
    return await publish(root, key, path, unfinished, mode);
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function writeUnfinished(path: string, body: ObjectBody, key: string, nowSeconds: number): Promise<void> {
  if (!(body instanceof Uint8Array)) await linkOrCopy(body.filePath, path, key);
  const handle = await open(path, body instanceof Uint8Array ? 'wx' : 'r', privateFile);
  try {
    if (body instanceof Uint8Array) await handle.writeFile(body);
    // A linked file would keep its source's time. Another owner's file refuses, and keeps it.
    await handle.utimes(nowSeconds, nowSeconds).catch(() => undefined);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function linkOrCopy(filePath: string, path: string, key: string): Promise<void> {
  const source = await bodyFile(filePath, key);
  try {
    await link(source.path, path);
  } catch (error) {
    if (!copyInsteadOfLink.has(errorCode(error) ?? '')) throw error;
    await copyFile(source.path, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(path, privateFile);
  }
}

async function publish(
  root: string,
  key: string,
  path: string,
  unfinished: string,
  mode: WriteMode,
): Promise<'created' | 'exists'> {
  for (let attempt = 1; ; attempt++) {
    await makeFolder(root, key, dirname(path));
    try {
      await (mode === 'replace' ? rename(unfinished, path) : link(unfinished, path));
      await syncFolder(dirname(path));
      return 'created';
    } catch (error) {
      if (errorCode(error) === 'ENOENT' && attempt < maxFolderAttempts) continue;
      const standing = await inspect(root, key, path);
      if (standing === 'folder') throw folderClash(root, key);
      if (standing === 'object' && errorCode(error) === 'EEXIST') return 'exists';
      throw error;
    }
  }
}

/** Each new folder is an entry of its parent, which must survive a power cut too. */
async function makeFolder(root: string, key: string, folder: string): Promise<void> {
  let firstMade: string | undefined;
  try {
    firstMade = await mkdir(folder, { recursive: true, mode: privateFolder });
  } catch (error) {
    if ((await locate(root, key)).folder === 'blocked') throw folderClash(root, key);
    throw error;
  }
  if (firstMade === undefined) return;
  let parent = dirname(firstMade);
  for (const segment of relative(parent, folder).split(sep)) {
    await syncFolder(parent);
    parent = join(parent, segment);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what writers that died left behind, a day later, when no writer can be at it any more. Nobody ever saw these files. */
export async function removeAbandoned(root: string, nowMs: Clock): Promise<void> {
  const folder = join(root, reservedSegment);
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    // The change time is that of the link; the modification time of a linked file is its source's.
    const found = await lstat(path).catch(() => undefined);
    if (found !== undefined && nowMs() - found.ctimeMs > abandonedAfterMs) await rm(path, { force: true });
  }
}
