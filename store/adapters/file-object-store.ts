import { constants, open, rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

import { checkKey, checkPrefix, checkRange } from '../object-key.ts';
import type { ByteRange, ObjectBody, ObjectEntry, ObjectStore } from '../object-store.ts';
import type { Clock } from '../clock.ts';
import { listFolder } from './file-object-store-list.ts';
import { inspect, isMissing, linkRefused, locate, openRoot } from './file-object-store-paths.ts';
import { removeAbandoned, writeObject, type WriteMode } from './file-object-store-write.ts';
import { errorCode, guarded, storeFailure } from './object-store-guard.ts';

export interface FileObjectStoreOptions {
  /** Made when missing. Several processes may share it, on one machine. */
  readonly root: string;
  readonly nowMs?: Clock;
}

/** A process that lives for months looks for what others left. */
const sweepEveryMs = 3_600_000;

/**
 * Objects as files of a local folder, each under its key as path, readable by any program. The file system must know
 * hard links, atomic renames and names that differ in case. A key cannot be an object and a folder of objects at once.
 */
export function fileObjectStore(options: FileObjectStoreOptions): ObjectStore {
  const nowMs = options.nowMs ?? Date.now;
  let opened: Promise<string> | undefined;

  async function root(): Promise<string> {
    opened ??= openRoot(options.root);
    try {
      return await opened;
    } catch (error) {
      opened = undefined;
      throw error;
    }
  }

  const at = (key: string) => ({ root: options.root, key });
  let nextSweepMs = Number.NEGATIVE_INFINITY;

  async function write(key: string, body: ObjectBody, mode: WriteMode): Promise<'created' | 'exists'> {
    checkKey(key);
    return guarded('write an object', at(key), async () => {
      const realRoot = await root();
      const atMs = nowMs();
      if (atMs >= nextSweepMs) await removeAbandoned(realRoot, nowMs);
      nextSweepMs = Math.max(nextSweepMs, atMs + sweepEveryMs);
      return writeObject(realRoot, key, body, mode, nowMs);
    });
  }

  return {
    async get(key, range) {
      checkKey(key);
      checkRange(range, key);
      return guarded('read an object', at(key), async () => readObject(await root(), key, range));
    },
    async put(key, body) {
      await write(key, body, 'replace');
    },
    async putIfAbsent(key, body) {
      return write(key, body, 'create');
    },
    async *list(prefix, { after = '' } = {}): AsyncGenerator<ObjectEntry> {
      checkPrefix(prefix);
      try {
        const realRoot = await root();
        const folderKey = prefix.slice(0, prefix.lastIndexOf('/') + 1);
        if (folderKey !== '') await locate(realRoot, `${folderKey}any`);
        yield* listFolder(realRoot, folderKey, prefix, after);
      } catch (error) {
        throw storeFailure('list objects', at(prefix), error);
      }
    },
    async delete(key) {
      checkKey(key);
      await guarded('delete an object', at(key), async () => deleteObject(await root(), key));
    },
    async localPath(key) {
      checkKey(key);
      return guarded('find an object', at(key), async () => {
        const realRoot = await root();
        const { path, folder } = await locate(realRoot, key);
        return folder === 'open' && (await inspect(realRoot, key, path)) === 'object' ? path : undefined;
      });
    },
  };
}

async function readObject(root: string, key: string, range: ByteRange | undefined): Promise<Uint8Array | undefined> {
  const { path, folder } = await locate(root, key);
  if (folder !== 'open') return undefined;
  const handle = await openObject(root, key, path);
  try {
    const found = await handle?.stat();
    if (handle === undefined || found === undefined || found.isDirectory()) return undefined;
    if (!found.isFile()) throw linkRefused(root, key);
    const start = Math.min(range?.start ?? 0, found.size);
    const end = Math.min(range?.end ?? found.size, found.size);
    const bytes = new Uint8Array(end - start);
    let filled = 0;
    while (filled < bytes.byteLength) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.byteLength - filled, start + filled);
      if (bytesRead === 0) throw new Error(`expected ${found.size} bytes, got ${start + filled}: the file was cut`);
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await handle?.close();
  }
}

/** Does not follow a link, nor wait at a named pipe. */
async function openObject(root: string, key: string, path: string) {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errorCode(error) === 'ELOOP') throw linkRefused(root, key);
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Removes the folders that become empty as well: where there is no object there is no folder. */
async function deleteObject(root: string, key: string): Promise<void> {
  const { path, folder } = await locate(root, key);
  if (folder !== 'open' || (await inspect(root, key, path)) !== 'object') return;
  await unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  for (let parent = dirname(path); parent !== root; parent = dirname(parent)) {
    const isRemoved = await rmdir(parent).then(
      () => true,
      () => false,
    );
    if (!isRemoved) return;
  }
}
