import { createHash, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import { clipPartKey } from '../../store/records/clip-parts.ts';
import { isClipOfRobot } from './complete-clip.ts';
import type { GatewayContext } from './context.ts';
import { eachPiece } from './pieces.ts';
import { WireError } from './wire-error.ts';
import { writeAll, writeHashed } from './write-hashed.ts';

export interface ReceivePartInput {
  readonly robotId: string;
  /** Where it comes from; see `addressShare`. */
  readonly address: string;
  readonly sha256: string;
  readonly part: number;
  readonly partSha256: string;
  /** Declared length of the body. */
  readonly sizeBytes: number;
  readonly body: Readable;
}

/**
 * Streams a part of a clip to scratch, and keeps it once it is what its own hash says; what comes later replaces it. Idempotent by
 * (robot, clip, part, content). A clip that the robot brought before is answered with `alreadyStored`, and its body read away.
 */
export const receivePart =
  (ports: Pick<GatewayContext, 'store' | 'scratchDirectory' | 'clips'>) =>
  async (input: ReceivePartInput): Promise<'stored' | 'alreadyStored'> => {
    const { robotId, address, sha256, part, partSha256, sizeBytes, body } = input;
    const { store, clips, scratchDirectory } = ports;
    clips.checkTurn();
    const upload = clips.bodies.begin({ robotId, address }, sizeBytes);
    const filePath = join(scratchDirectory, `part-${randomUUID()}`);
    try {
      await clips.checkRoom(sizeBytes);
      const received = await writeHashed(body, filePath, sizeBytes, upload, (handle, chunk) =>
        clips.disk.run(() => writeAll(handle, chunk)),
      );
      if (received.sha256 !== partSha256 || received.sizeBytes !== sizeBytes)
        throw new WireError(
          'wrongDigest',
          `expected ${sizeBytes} bytes with sha256 ${partSha256}, got ${received.sizeBytes} with ${received.sha256}`,
        );
      return await clips.writes.run(async () => {
        // A part that comes after its clip was whole would lie there for nobody.
        if (!clips.unfinished.isKnown(robotId, sha256) && (await isClipOfRobot(store, robotId, sha256)))
          return 'alreadyStored';
        await clips.unfinished.begin(robotId, sha256);
        const key = clipPartKey(robotId, sha256, part);
        const there = await store.get(key);
        if (there?.byteLength === sizeBytes && (await digestOf(there)) === partSha256) return 'alreadyStored';
        await store.put(key, { filePath });
        return 'stored';
      });
    } finally {
      await rm(filePath, { force: true });
      upload.end();
    }
  };

async function digestOf(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  await eachPiece(bytes, async (piece) => void hash.update(piece));
  return hash.digest('hex');
}
