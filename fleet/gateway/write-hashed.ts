import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';

import type { Upload } from './upload-shares.ts';
import { WireError } from './wire-error.ts';

/**
 * Writes a body to a new file and hashes each chunk while the one before is being written; `malformed` beyond `maxBytes`, `wrongDigest` when it is
 * cut. `write` may let a chunk wait for its turn.
 */
export async function writeHashed(
  body: Readable,
  filePath: string,
  maxBytes: number,
  upload: Pick<Upload, 'add'>,
  write: (handle: FileHandle, chunk: Uint8Array) => Promise<void> = writeAll,
) {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const handle = await open(filePath, 'wx', 0o600);
  let writing: Promise<unknown> = Promise.resolve();
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > maxBytes) throw new WireError('malformed', 'expected as many bytes as declared, got more');
      upload.add(chunk.byteLength);
      hash.update(chunk);
      await writing;
      writing = write(handle, chunk);
      // It is awaited above or below; until then a failure must not count as unhandled.
      writing.catch(() => undefined);
    }
    await writing;
  } catch (cause) {
    if (cause instanceof WireError || !isConnectionError(cause)) throw cause;
    throw new WireError('wrongDigest', `the upload was cut after ${sizeBytes} bytes`, { cause });
  } finally {
    await writing.catch(() => undefined);
    await handle.close();
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

export async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.byteLength;)
    written += (await handle.write(chunk, written, chunk.byteLength - written)).bytesWritten;
}

const isConnectionError = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'EPIPE'].includes(String(error.code));
