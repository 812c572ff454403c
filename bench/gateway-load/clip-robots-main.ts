import { createHash, randomBytes } from 'node:crypto';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { ulid } from 'ulid';

import {
  bearer,
  mediaPartContentType,
  partSizeOf,
  partsOf,
  wireHeaders,
  wireLimits,
  wirePaths,
} from '../../fleet/protocol/index.ts';
import { openClient, type Reply } from './client.ts';

/** Robots that bring clips one after the other as fast as they may, until SIGTERM. Clips are shared: each robot brings all bytes anyway. */
setPriority(10);
interface Told {
  readonly url: string;
  readonly robots: readonly { readonly robotId: string; readonly token: string }[];
}
const { url, robots } = JSON.parse(process.env['CLIP_ROBOTS'] ?? '{}') as Told;

const clipBytes = 2 * wireLimits.partBytes + 1_000_000;
const clipCount = 16;
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const clips = Array.from({ length: clipCount }, () => {
  const bytes = randomBytes(clipBytes);
  const parts = Array.from({ length: partsOf(clipBytes) }, (_, part) => {
    const start = part * wireLimits.partBytes;
    const own = bytes.subarray(start, start + partSizeOf(clipBytes, part));
    return { part, bytes: own, sha256: digest(own) };
  });
  return { sha256: digest(bytes), parts };
});

const client = openClient(url);
const stopping = new AbortController();

/** Asks again after the time that the gateway names, spread by half of it. */
async function untilTaken(send: () => Promise<Reply>): Promise<Reply> {
  for (;;) {
    const reply = await send();
    if (stopping.signal.aborted || (reply.status !== 503 && reply.status !== 429)) return reply;
    await sleep(Number(reply.headers['retry-after'] ?? 1) * 1_000 * (0.75 + Math.random() / 2));
  }
}

async function bring(robotId: string, token: string, clip: (typeof clips)[number]): Promise<void> {
  const authorization = bearer(token);
  const path = wirePaths.media(robotId, clip.sha256);
  await untilTaken(() => client.send('GET', path, { authorization }));
  for (const { part, bytes, sha256 } of clip.parts) {
    const headers = {
      authorization,
      'content-type': mediaPartContentType,
      [wireHeaders.camera]: 'front',
      [wireHeaders.partSha256]: sha256,
    };
    await untilTaken(() => client.send('PUT', wirePaths.mediaPart(robotId, clip.sha256, part), headers, bytes));
  }
  const told = { sizeBytes: clipBytes, parts: clip.parts.length, camera: 'front', episodeId: ulid(), startedAtUs: 0 };
  const body = Buffer.from(JSON.stringify(told));
  await untilTaken(() => client.send('POST', path, { authorization, 'content-type': 'application/json' }, body));
}

process.once('SIGTERM', () => {
  stopping.abort();
  client.close();
  process.exit(0);
});
process.send?.({ url });
await Promise.all(
  robots.map(async ({ robotId, token }, index) => {
    for (let count = index; !stopping.signal.aborted; count += 1) {
      const clip = clips[count % clipCount];
      if (clip === undefined) return;
      await bring(robotId, token, clip).catch(() => sleep(1_000));
    }
  }),
);
