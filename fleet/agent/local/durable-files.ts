import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

import type { z } from 'zod';

/** Makes names made, moved or removed in a folder survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a finished file's bytes survive a power cut. */
export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces a file whole: after a crash or power cut at any moment it holds the old bytes or the new ones. */
export async function replaceFile(file: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = `${file}.tmp`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncDirectory(path.dirname(file));
}

export const replaceJson = (file: string, value: unknown): Promise<void> => replaceFile(file, JSON.stringify(value));

/** What `replaceJson` wrote; undefined when the file is missing or holds something else (`unreadable` then hears of it). */
export async function readJson<T>(
  file: string,
  schema: z.ZodType<T>,
  unreadable: (problem: string) => void = () => undefined,
): Promise<T | undefined> {
  const bytes = await readIfThere(file);
  if (bytes === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    unreadable(`unexpected content [file=${file}]: ${cause instanceof Error ? cause.message : String(cause)}`);
    return undefined;
  }
}

export async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw cause;
  }
}

export async function namesIn(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).toSorted();
}

export const removeFile = (file: string): Promise<void> => rm(file, { force: true });

export const isMissing = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';

/** Bytes of a file; 0 when there is none. */
export async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (cause) {
    if (isMissing(cause)) return 0;
    throw cause;
  }
}
