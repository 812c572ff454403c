import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bearer, segmentContentType, wirePaths } from '../fleet/protocol/index.ts';
import { openClient, type Client } from './gateway-load/client.ts';
import { openFleet, type MeasuredRobot } from './fleet/open-fleet.ts';
import { startBenchGateway, startServerProcess } from './fleet/server-process.ts';

export interface UploadBenchOptions {
  /** Segments a round. */
  readonly segments: number;
  readonly segmentBytes: number;
  readonly rounds: number;
  readonly progress: (line: string) => void;
}

export interface UploadBenchResult {
  readonly leg: 'upload';
  readonly unit: 'MB/s';
  /** Through the gateway: hashed, synced to disk, put into the store. Best round. */
  readonly ours: number;
  /** Plain Node http writing the same bytes to a file, neither hashed nor synced. Best round. */
  readonly reference: number;
  readonly ratio: number;
}

const concurrentUploads = 4;
const modelBytes = 300_000;

interface Segment {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** Uploads the same number of fresh segments to a gateway and to plain Node, in turns. */
export async function measureUpload(options: UploadBenchOptions): Promise<UploadBenchResult> {
  const { segments, segmentBytes, rounds, progress } = options;
  const fleet = await openFleet(concurrentUploads, randomBytes(modelBytes));
  const gateway = await startBenchGateway(fleet.directory, { FLYWHEEL_GATEWAY_REQUESTS_PER_SECOND: '10000' });
  const script = fileURLToPath(new URL('gateway-load/plain-server-main.ts', import.meta.url));
  const plain = await startServerProcess(script, { PLAIN_SERVER_FOLDER: join(fleet.directory, 'plain') });
  const ours = openClient(gateway.url);
  const reference = openClient(plain.url);
  const oursRates: number[] = [];
  const referenceRates: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const fresh = Array.from({ length: segments }, () => freshSegment(segmentBytes));
      referenceRates.push(await rateOf(reference, fresh, fleet.robots));
      oursRates.push(await rateOf(ours, fresh, fleet.robots));
      progress(
        `round ${round + 1}: plain ${referenceRates.at(-1)?.toFixed(0)}, ours ${oursRates.at(-1)?.toFixed(0)} MB/s`,
      );
    }
  } finally {
    ours.close();
    reference.close();
    await Promise.all([gateway.stop(), plain.stop()]);
    await fleet.close();
  }
  const best = { ours: Math.max(...oursRates), reference: Math.max(...referenceRates) };
  return { leg: 'upload', unit: 'MB/s', ...best, ratio: best.ours / best.reference };
}

async function rateOf(client: Client, segments: readonly Segment[], robots: readonly MeasuredRobot[]): Promise<number> {
  const waiting = [...segments];
  const startMs = performance.now();
  await Promise.all(
    robots.map(async ({ robotId, token }) => {
      const headers = { authorization: bearer(token), 'content-type': segmentContentType };
      for (let segment = waiting.pop(); segment !== undefined; segment = waiting.pop()) {
        const { status } = await client.send('PUT', wirePaths.segment(robotId, segment.sha256), headers, segment.bytes);
        if (status !== 201) throw new Error(`expected status 201, got ${status}`);
      }
    }),
  );
  const sizeBytes = segments.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  return sizeBytes / 1_000 / (performance.now() - startMs);
}

function freshSegment(sizeBytes: number): Segment {
  const bytes = randomBytes(sizeBytes);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}
