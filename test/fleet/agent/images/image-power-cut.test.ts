import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';

import { cuttablePower } from '../../../../fleet/simulator/power-cut.ts';
import { robotWorld } from '../robot-world.ts';
import { frameAt, until } from '../robot.ts';
import { seeded } from '../sudden-death.ts';
import { front, jpegImage, plainClipMaker, seeingType } from './camera-robot.ts';
import { holdClipsToSegments, imagesIn } from './image-deaths.ts';

describe('the disk of a robot with cameras', () => {
  const power = cuttablePower();
  const world = robotWorld({ robotType: seeingType, clipMaker: plainClipMaker, sync: power.sync });
  let jpeg: Uint8Array;
  before(async () => {
    jpeg = await jpegImage(front, 1);
  });

  it('keeps every image of an ended episode through power cuts', async () => {
    const random = seeded(3);
    const ended: string[] = [];
    world.gateway.refuse = () => (random() < 0.5 ? 503 : undefined);
    for (let cut = 0; cut < 5; cut++) {
      const agent = await world.open({ limits: { syncIntervalMs: 1_000_000, clipLineFraction: 1 } });
      const episodes = 1 + Math.floor(random() * 4);
      for (let index = 0; index <= episodes; index++) {
        const id = agent.beginEpisode();
        const at = Date.now() * 1000;
        const names = [0, 1, 2].map((image) => `${id}/0${image}`);
        for (const [image, name] of names.entries()) {
          agent.recordImage('front', Buffer.concat([jpeg, Buffer.from(name)]), at + image * 100_000);
          agent.record({ ...frameAt(image), atUs: at + image * 100_000 });
        }
        // The last one is open when the power goes.
        if (index === episodes) break;
        await agent.endEpisode('success');
        ended.push(...names);
        if (random() < 0.4) await agent.settle();
      }
      await agent.crash();
      power.cut(world.directory);
    }
    world.gateway.refuse = () => undefined;
    const agent = await world.open({ limits: { clipLineFraction: 1 } });
    await until('connected', () => agent.status().isConnected);
    await agent.settle();
    await until('sent', () => agent.status().waitingSegments + agent.status().waitingClips === 0);
    const delivered = await imagesIn(world.gateway);
    assert.deepEqual(
      ended.filter((name) => !delivered.includes(name)),
      [],
    );
    assert.equal(new Set(delivered).size, delivered.length);
    await holdClipsToSegments(world.gateway, world.directory);
  });

  it('that takes no images any more costs images alone, is said once, and counted', async () => {
    const lines: string[] = [];
    const agent = await world.open({ log: (line) => void lines.push(line) });
    await until('connected', () => agent.status().isConnected);
    await rm(path.join(world.directory, 'images'), { recursive: true });
    agent.beginEpisode();
    for (let index = 0; index < 10; index++) {
      agent.recordImage('front', jpeg, Date.now() * 1000 + index * 100_000);
      agent.record(frameAt(index));
    }
    assert.equal(await agent.endEpisode('success'), true);
    await agent.settle();
    await until('sent', () => agent.status().waitingSegments + agent.status().waitingTelemetry === 0);
    assert.equal(world.gateway.segments.size, 1);
    assert.deepEqual({ ...agent.status().imagesDropped }, { diskError: 10 });
    assert.equal(lines.filter((line) => line.includes('an image was lost')).length, 1);
    assert.equal(agent.status().lostFrames, 0);
  });

  it('that is full gives up clips for new ones, then images, and never a segment', async () => {
    let isFull = false;
    const clipMaker = {
      ...plainClipMaker,
      make: async (...args: Parameters<typeof plainClipMaker.make>) => {
        if (isFull) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
        return plainClipMaker.make(...args);
      },
    };
    const agent = await world.open({ clipMaker, limits: { clipBytesPerDay: 0 } });
    await until('connected', () => agent.status().isConnected);
    for (const isShort of [false, true]) {
      isFull = isShort;
      agent.beginEpisode();
      agent.recordImage('front', jpeg);
      agent.record(frameAt(0));
      await agent.endEpisode('success');
      await agent.settle();
    }
    await until('sent', () => agent.status().waitingSegments === 0);
    assert.equal(world.gateway.segments.size, 2);
    assert.deepEqual({ ...agent.status().imagesDropped }, { diskFull: 2 });
    assert.deepEqual(await readdir(path.join(world.directory, 'clips')), []);
    assert.equal(agent.status().droppedEpisodes, 0);
  });
});
