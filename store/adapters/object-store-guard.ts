import { realpath, stat } from 'node:fs/promises';

import { ApplicationFailure } from '@temporalio/common';

import { failure } from '../failures.ts';

/** Runs a store's work; whatever goes wrong but a failure of ours is a store that could not do it for now. */
export async function guarded<Result>(
  doing: string,
  coordinates: Readonly<Record<string, string>>,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw storeFailure(doing, coordinates, error);
  }
}

/** `error` as a failure: `StoreUnavailable` with its cause and coordinates, or itself when it is one already. */
export function storeFailure(doing: string, coordinates: Readonly<Record<string, string>>, error: unknown): Error {
  if (error instanceof ApplicationFailure) return error;
  const got = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return failure('StoreUnavailable', `expected the object store to ${doing}, got ${got}`, {
    cause: error,
    coordinates,
  });
}

/** The `code` of a system error such as `ENOENT`, or undefined. */
export function errorCode(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The file that is to become an object, its links followed; refused with `InvalidInput` when it is none. */
export async function bodyFile(filePath: string, key: string): Promise<{ path: string; sizeBytes: number }> {
  const path = await realpath(filePath).catch(() => undefined);
  const found = path === undefined ? undefined : await stat(path);
  if (path !== undefined && found?.isFile() === true) return { path, sizeBytes: found.size };
  throw failure('InvalidInput', `expected filePath to name a file, got ${filePath}`, { coordinates: { key } });
}
