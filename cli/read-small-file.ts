import { constants, open } from 'node:fs/promises';

import { CommandError } from './exit-codes.ts';

/**
 * The bytes of a regular file, or its size where that is above the bound: then nothing is read. Throws for what is no regular file; opening a pipe
 * would wait for ever, so nothing is waited for.
 */
export async function readSmallFile(
  file: string,
  maxBytes: number,
): Promise<Uint8Array | { readonly sizeBytes: number }> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new CommandError('wrong', `expected a readable file, got none: ${file}`, { cause });
  });
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new CommandError('wrong', `expected a file, got something else: ${file}`);
    if (status.size > maxBytes) return { sizeBytes: status.size };
    const bytes = new Uint8Array(maxBytes + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return length > maxBytes ? { sizeBytes: length } : bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}
