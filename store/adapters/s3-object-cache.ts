import { createHash, randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import { keyExtension } from '../object-key.ts';
import type { Clock } from '../clock.ts';

export interface ObjectCacheOptions {
  /** May be shared by several processes and stores. */
  readonly folder: string;
  /**
   * The files together stay under this, except that the last one asked for is always kept. Must be more than one job
   * reads: a path stays good until this many bytes of other objects were asked for, a week at most.
   */
  readonly limitBytes: number;
  readonly nowMs: Clock;
}

interface CachedObject {
  /** Where the object lives, e.g. endpoint and bucket. */
  readonly store: string;
  readonly key: string;
  /** Changes when the bytes do. */
  readonly etag: string;
  readonly sizeBytes: number;
}

/** Returns the path of a local copy of the object, made by `download(path)` when there is none yet. */
export type ObjectCache = (object: CachedObject, download: (path: string) => Promise<void>) => Promise<string>;

/** Local copies of remote objects by ETag; over the limit those go first that nobody asked for the longest. */
export function objectCache(options: ObjectCacheOptions): ObjectCache {
  const underWay = new Map<string, Promise<string>>();

  async function find(path: string, sizeBytes: number, download: (path: string) => Promise<void>): Promise<string> {
    await mkdir(options.folder, { recursive: true });
    const found = await lstat(path).catch(() => undefined);
    const isThere = found?.isFile() === true && found.size === sizeBytes;
    if (!isThere) await fetchWhole(path, sizeBytes, download);
    const nowSeconds = options.nowMs() / 1_000;
    await utimes(path, nowSeconds, nowSeconds);
    if (!isThere) await evict(options, path);
    return path;
  }

  return async ({ store, key, etag, sizeBytes }, download) => {
    const name = createHash('sha256').update([store, key, etag].join('\0')).digest('hex') + keyExtension(key);
    const path = join(options.folder, name);
    const running = underWay.get(path) ?? find(path, sizeBytes, download).finally(() => underWay.delete(path));
    underWay.set(path, running);
    return running;
  };
}

async function fetchWhole(path: string, sizeBytes: number, download: (path: string) => Promise<void>): Promise<void> {
  const unfinished = `${path}.${randomUUID()}.unfinished`;
  try {
    await download(unfinished);
    const found = await lstat(unfinished);
    if (found.size !== sizeBytes) throw new Error(`expected ${sizeBytes} bytes, got ${found.size}`);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** Unfinished downloads count too; the young ones go last, an abandoned one is in time the oldest. */
async function evict(options: ObjectCacheOptions, keep: string): Promise<void> {
  const files: { path: string; sizeBytes: number; usedMs: number }[] = [];
  for (const name of await readdir(options.folder)) {
    const path = join(options.folder, name);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isFile() === true) files.push({ path, sizeBytes: found.size, usedMs: found.mtimeMs });
  }
  let totalBytes = files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  for (const { path, sizeBytes } of files.toSorted((left, right) => left.usedMs - right.usedMs)) {
    if (totalBytes <= options.limitBytes) return;
    if (path === keep) continue;
    await rm(path, { force: true });
    totalBytes -= sizeBytes;
  }
}
