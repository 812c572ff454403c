import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

import type { ServedFile } from './model-catalog.ts';
import { WireError } from './wire-error.ts';

/** A person has to put it right; until then asking often helps nobody. */
const retryAfterMs = 60_000;
const maxRemembered = 1_000;

/** Proves that an open file is the one its manifest names; fails with `damagedFile` when it is not. */
export type FileProof = (handle: FileHandle, file: ServedFile) => Promise<void>;

/**
 * Size by the file itself, each time; sha256 once for each state of the file (device, inode, size, times of change to the
 * nanosecond), so that serving a model costs one hash a process and no more. Concurrent askers share it.
 */
export function fileProof(): FileProof {
  const digests = new Map<string, Promise<string>>();
  return async (handle, file) => {
    const found = await handle.stat({ bigint: true });
    if (found.size !== BigInt(file.sizeBytes))
      throw damaged(file, `expected ${file.sizeBytes} bytes, as its manifest says, got ${found.size}`);
    const state = stateOf(found);
    const digest = digests.get(state) ?? digestOf(handle);
    digests.set(state, digest);
    digest.catch(() => digests.delete(state));
    if (digests.size > maxRemembered) digests.delete(digests.keys().next().value ?? '');
    const sha256 = await digest;
    if (sha256 !== file.sha256)
      throw damaged(file, `expected sha256 ${file.sha256}, as its manifest says, got ${sha256}`);
  };
}

export const damaged = (file: Pick<ServedFile, 'key'>, what: string): WireError =>
  new WireError('damagedFile', `${what}: the store's copy of ${file.key} is damaged; other files are still served`, {
    retryAfterMs,
  });

const stateOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  [dev, ino, size, mtimeNs, ctimeNs].join(' ');

async function digestOf(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(256 * 1024);
  for (let position = 0; ;) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.byteLength, position);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
}
