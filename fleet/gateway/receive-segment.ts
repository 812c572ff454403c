import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import { landingKey } from '../../datasets/landing.ts';
import type { SegmentAnswer } from '../protocol/index.ts';
import type { GatewayContext } from './context.ts';
import { WireError } from './wire-error.ts';
import { writeHashed } from './write-hashed.ts';

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
