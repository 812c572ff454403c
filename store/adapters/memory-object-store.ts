import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { failure } from '../failures.ts';
import { checkKey, checkPrefix, checkRange, compareKeys, keyExtension } from '../object-key.ts';
import type { Clock } from '../clock.ts';
import type { ObjectBody, ObjectEntry, ObjectStore } from '../object-store.ts';
import { bodyFile, guarded } from './object-store-guard.ts';

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

/** A store that forgets everything with its process: the twin of the others in tests, as strict as the strictest. */
export function memoryObjectStore(nowMs: Clock = Date.now): ObjectStore {
  const objects = new Map<string, StoredObject>();
  /** How many objects lie under each folder. */
  const folders = new Map<string, number>();

  function countInFolders(key: string, change: 1 | -1): void {
    for (const folder of foldersOf(key)) folders.set(folder, (folders.get(folder) ?? 0) + change);
  }

  function store(key: string, bytes: Uint8Array): void {
    if (!objects.has(key)) {
      if ((folders.get(key) ?? 0) > 0 || foldersOf(key).some((folder) => objects.has(folder))) throw folderClash(key);
      countInFolders(key, 1);
    }
    objects.set(key, { bytes, modifiedMs: nowMs() });
  }

  return {
    async get(key, range) {
      checkKey(key);
      checkRange(range, key);
      return objects.get(key)?.bytes.slice(range?.start, range?.end);
    },
    async put(key, body) {
      checkKey(key);
      store(key, await bytesOf(key, body));
    },
    async putIfAbsent(key, body) {
      checkKey(key);
      const bytes = await bytesOf(key, body);
      if (objects.has(key)) return 'exists';
      store(key, bytes);
      return 'created';
    },
    async *list(prefix, options = {}): AsyncGenerator<ObjectEntry> {
      checkPrefix(prefix);
      const after = options.after ?? '';
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && compareKeys(key, after) > 0);
      for (const key of keys.toSorted(compareKeys)) {
        const found = objects.get(key);
        if (found !== undefined) yield { key, sizeBytes: found.bytes.byteLength, modifiedMs: found.modifiedMs };
      }
    },
    async delete(key) {
      checkKey(key);
      if (objects.delete(key)) countInFolders(key, -1);
    },
    async localPath(key) {
      checkKey(key);
      const found = objects.get(key);
      if (found === undefined) return undefined;
      return localFile(key, found.bytes);
    },
  };
}

/** `a` and `a/b` of `a/b/c`. */
function foldersOf(key: string): readonly string[] {
  return [...key.matchAll(/\//g)].map(({ index }) => key.slice(0, index));
}

async function bytesOf(key: string, body: ObjectBody): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return new Uint8Array(body);
  const { path } = await bodyFile(body.filePath, key);
  return new Uint8Array(await guarded(`read ${path}`, { key }, () => readFile(path)));
}

/** A folder of files cannot hold a name that is both a file and a folder, so neither can this. */
function folderClash(key: string): Error {
  return failure('InvalidInput', 'expected a key that is not both an object and a folder of objects, got one that is', {
    coordinates: { key },
  });
}

/** One folder for all stores of a process, whose files are named by content and written once. */
let localFolder: string | undefined;
const localFiles = new Map<string, Promise<void>>();

async function localFile(key: string, bytes: Uint8Array): Promise<string> {
  localFolder ??= folderUntilExit();
  const path = join(localFolder, createHash('sha256').update(bytes).digest('hex') + keyExtension(key));
  const writing = localFiles.get(path) ?? guarded(`write ${path}`, { key }, () => writeFile(path, bytes));
  localFiles.set(path, writing);
  try {
    await writing;
  } catch (cause) {
    localFiles.delete(path);
    throw cause;
  }
  return path;
}

function folderUntilExit(): string {
  const folder = mkdtempSync(join(tmpdir(), 'flywheel-memory-store-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
