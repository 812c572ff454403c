import { createHash, randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import { landingKey } from '../../datasets/landing.ts';
import type { SegmentAnswer } from '../protocol/index.ts';
import type { GatewayContext } from './context.ts';
import type { Upload } from './upload-shares.ts';
import { WireError } from './wire-error.ts';

export interface ReceiveSegmentInput {
  readonly robotId: string;
  /** Where it comes from; see `addressShare`. */
  readonly address: string;
  readonly sha256: string;
  /** Declared length of the body. */
  readonly sizeBytes: number;
  readonly body: Readable;
}

/**
 * Streams a segment to scratch, hashing on the way, and puts it into landing when it is what its name says: half an upload is
 * never visible, and leaves nothing behind. Idempotent by (robot, sha256).
 */
export const receiveSegment =
  (ports: Pick<GatewayContext, 'store' | 'scratchDirectory' | 'uploads'>) =>
  async ({ robotId, address, sha256, sizeBytes, body }: ReceiveSegmentInput): Promise<SegmentAnswer> => {
    const filePath = join(ports.scratchDirectory, `upload-${randomUUID()}`);
    const upload = ports.uploads.begin({ robotId, address }, sizeBytes);
    try {
      const received = await writeHashed(body, filePath, sizeBytes, upload);
      if (received.sha256 !== sha256 || received.sizeBytes !== sizeBytes)
        throw new WireError(
          'wrongDigest',
          `expected ${sizeBytes} bytes with sha256 ${sha256}, got ${received.sizeBytes} with ${received.sha256}`,
        );
      const outcome = await ports.store.putIfAbsent(landingKey(robotId, sha256), { filePath });
      return { sha256, sizeBytes, outcome: outcome === 'created' ? 'stored' : 'alreadyStored' };
    } finally {
      await rm(filePath, { force: true });
      upload.end();
    }
  };

/** Hashes each chunk while the one before is being written. */
async function writeHashed(body: Readable, filePath: string, maxBytes: number, upload: Upload) {
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
      writing = writeAll(handle, chunk);
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

async function writeAll(handle: Awaited<ReturnType<typeof open>>, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.byteLength;)
    written += (await handle.write(chunk, written, chunk.byteLength - written)).bytesWritten;
}

const isConnectionError = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'EPIPE'].includes(String(error.code));
