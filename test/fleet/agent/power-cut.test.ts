import assert from 'node:assert/strict';
import { fdatasync, fstatSync } from 'node:fs';
import { appendFile, readdir, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import type { Agent } from '../../../fleet/agent/index.ts';
import { startFakeGateway, type FakeGateway } from './fake-gateway.ts';
import { fleetKeys } from './fleet-keys.ts';
import { storedEpisodes } from './lives.ts';
import { frameAt, openRobot, recordEpisode, robotId, temporaryDirectory, token, until } from './robot.ts';
import { seeded } from './sudden-death.ts';

const garbage: readonly ((random: () => number) => Buffer)[] = [
  () => Buffer.alloc(0),
  () => Buffer.alloc(4096),
  (random) => Buffer.from(Array.from({ length: 300 }, () => Math.floor(random() * 256))),
  () => Buffer.from([200, 0, 0, 0, 1, 2, 3, 4, 123]),
];

describe('a power cut', () => {
  const keys = fleetKeys();
  let gateway: FakeGateway;
  let folder: { directory: string; remove: () => Promise<void> };
  const synced = new Map<number, number>();

  beforeEach(async () => {
    gateway = await startFakeGateway(robotId, token);
    folder = await temporaryDirectory();
    synced.clear();
  });
  afterEach(async () => {
    await gateway.stop();
    await folder.remove();
  });

  const directory = (): string => path.join(folder.directory, 'robot');
  const open = (syncIntervalMs: number): Promise<Agent> =>
    openRobot({
      directory: directory(),
      gatewayUrl: gateway.url,
      publicKeyPem: keys.publicKeyPem,
      limits: { syncIntervalMs, rotateBytes: 20_000 },
      async sync(descriptor) {
        const { ino, size } = fstatSync(descriptor);
        await promisify(fdatasync)(descriptor);
        synced.set(ino, Math.max(size, synced.get(ino) ?? 0));
      },
    });

  /** What the disk holds when the power comes back: each spool up to its last sync, then whatever the head wrote. */
  async function cutPower(agent: Agent, random: () => number): Promise<void> {
    await agent.crash();
    for (const name of await readdir(path.join(directory(), 'spool'))) {
      const file = path.join(directory(), 'spool', name);
      const { ino } = await stat(file);
      await truncate(file, synced.get(ino) ?? 0);
      const tail = garbage[Math.floor(random() * garbage.length)]!(random);
      await appendFile(file, tail);
      synced.set(ino, (synced.get(ino) ?? 0) + tail.length);
    }
  }

  for (const seed of [1, 2, 3, 4, 5, 6])
    it(`takes no episode that had ended (seed ${seed})`, async () => {
      const random = seeded(seed);
      const ended: string[] = [];
      gateway.refuse = () => (random() < 0.7 ? 503 : undefined);
      for (let cut = 0; cut < 4; cut++) {
        const agent = await open(1_000_000);
        const episodes = Math.floor(random() * 5);
        for (let index = 0; index < episodes; index++) {
          const id = agent.beginEpisode();
          await recordEpisode(agent, { outcome: random() < 0.5 ? 'failure' : 'success' });
          ended.push(id);
        }
        for (let index = 0; index < Math.floor(random() * 8); index++) agent.record(frameAt(index));
        await cutPower(agent, random);
      }
      gateway.refuse = () => undefined;
      const agent = await open(1_000);
      await until('connected', () => agent.status().isConnected);
      await agent.settle();
      await until('all sent', () => agent.status().waitingSegments + agent.status().waitingTelemetry === 0);
      await agent.close();
      const stored = await storedEpisodes(gateway, folder.directory);
      const ids = new Set(stored.map(({ id }) => id));
      assert.deepEqual(
        ended.filter((id) => !ids.has(id)),
        [],
      );
      assert.deepEqual(
        stored.filter(({ frames, frameCount, files }) => frames !== frameCount || files !== 1),
        [],
      );
      const told = [...gateway.entries.values()].flatMap((entry) =>
        entry.kind === 'episode' ? [entry.episodeId] : [],
      );
      assert.deepEqual(told.toSorted(), [...ids].toSorted());
    });

  it('takes of an open episode what came after the last sync, and ends the rest as aborted', async () => {
    const agent = await open(20);
    const id = agent.beginEpisode();
    for (let index = 0; index < 30; index++) {
      const frame = { ...frameAt(index), atUs: 1e15 + index * 1e5 };
      if (index % 5 === 0) agent.correct(frame, [3]);
      else agent.record(frame);
    }
    await until('synced', async () => {
      const [name] = await readdir(path.join(directory(), 'spool'));
      const { ino, size } = await stat(path.join(directory(), 'spool', name!));
      return synced.get(ino) === size;
    });
    await cutPower(agent, seeded(1));
    const next = await open(1_000);
    await until('connected', () => next.status().isConnected);
    await next.settle();
    await until('uploaded', () => gateway.segments.size === 1);
    await next.close();
    assert.deepEqual(await storedEpisodes(gateway, folder.directory), [
      { id, outcome: 'aborted', frames: 30, frameCount: 30, correctedFrames: 6, files: 1 },
    ]);
  });
});
