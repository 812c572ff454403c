import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

import type { Agent } from '../../../../fleet/agent/index.ts';
import { robotWorld } from '../robot-world.ts';
import { frameAt } from '../robot.ts';
import {
  front,
  inside,
  jpegImage,
  plainClipMaker,
  pngImage,
  rawImage,
  readLogs,
  seeingType,
  side,
} from './camera-robot.ts';

describe('recording images', () => {
  const world = robotWorld({ robotType: seeingType, clipMaker: plainClipMaker, limits: { clipWaitMs: 3_600_000 } });
  const startUs = 1_700_000_000_000_000;
  let jpeg: Uint8Array;
  before(async () => {
    jpeg = await jpegImage(front, 1);
  });
  let setAtMs = 0;
  beforeEach(() => {
    setAtMs = performance.now();
    world.wallAheadMs = startUs / 1000 - Date.now();
  });

  const logs = () => readLogs(world.directory);
  const instants = async (camera = 'front') =>
    (await logs()).flatMap((log) => (log.camera === camera ? log.images.map(({ atUs }) => atUs) : []));

  it('keeps each image as it came, in order, a log for each camera and episode', async () => {
    const agent = await world.open();
    const first = agent.beginEpisode();
    const given = [jpeg, await pngImage(front, 2), rawImage(front, 3)];
    for (const [index, bytes] of given.entries()) agent.recordImage('front', bytes, startUs + index * 100_000);
    agent.recordImage('side', rawImage(side, 4), startUs);
    agent.record({ ...frameAt(0), atUs: startUs + 50_000 });
    await agent.endEpisode('success');
    const second = agent.beginEpisode();
    agent.recordImage('front', jpeg, startUs + 1_000_000);
    assert.deepEqual(
      (await logs()).map(({ episodeId, camera, images }) => [episodeId, camera, images.map(({ format }) => format)]),
      [
        [first, 'front', ['jpeg', 'png', 'raw']],
        [first, 'side', ['raw']],
        [second, 'front', ['jpeg']],
      ],
    );
    const [log] = await logs();
    assert.deepEqual(
      log!.images.map(({ bytes }) => [...bytes]),
      given.map((bytes) => [...bytes]),
    );
    assert.deepEqual(
      log!.images.map(({ atUs }) => atUs),
      [0, 100_000, 200_000].map((us) => startUs + us),
    );
    assert.deepEqual({ ...agent.status().imagesDropped }, {});
  });

  it('an image is no frame: an episode of images alone is none, and they are counted', async () => {
    const agent = await world.open();
    agent.beginEpisode();
    agent.recordImage('front', jpeg);
    agent.recordImage('side', rawImage(side, 1));
    assert.equal(await agent.endEpisode('success'), false);
    assert.deepEqual({ ...agent.status().imagesDropped }, { noFrames: 2 });
    assert.deepEqual(await readdir(path.join(world.directory, 'images')), []);
    agent.beginEpisode();
    agent.recordImage('front', jpeg);
    agent.beginEpisode();
    agent.recordImage('front', jpeg);
    assert.equal((await logs()).length, 1, 'a program that begins anew before the first frame');
    assert.equal(agent.status().imagesDropped['noFrames'], 3);
  });

  it('opens no episode: an image of just before belongs to the one that begins, older ones to none', async () => {
    const agent = await world.open();
    agent.recordImage('front', jpeg, startUs);
    world.aheadMs += 100;
    world.wallAheadMs += 100;
    const pixels = rawImage(front, 5);
    agent.recordImage('front', pixels);
    agent.recordImage('side', rawImage(side, 1));
    pixels.fill(0);
    world.aheadMs += 150;
    world.wallAheadMs += 150;
    agent.record(frameAt(0));
    assert.deepEqual({ ...agent.status().imagesDropped }, { outsideEpisode: 1 });
    const [log, aside] = await logs();
    assert.deepEqual([...log!.images[0]!.bytes], [...rawImage(front, 5)], 'the program used its buffer again');
    const lateUs = log!.images[0]!.atUs - (startUs + 100_000);
    assert.ok(lateUs > -2_000 && lateUs < (performance.now() - setAtMs) * 1_000, `${lateUs} µs`);
    assert.equal(aside?.camera, 'side');
    await agent.endEpisode('success');
    agent.recordImage('front', jpeg);
    world.aheadMs += 201;
    agent.beginEpisode();
    agent.record(frameAt(1));
    assert.equal((await logs()).length, 2);
    assert.equal(agent.status().imagesDropped['outsideEpisode'], 2);
    assert.equal(agent.status().lostFrames, 0);
  });

  it('leaves out what the robot may not show, and counts it', async () => {
    const agent = await world.open();
    agent.record(frameAt(0));
    agent.recordImage('inside', await jpegImage(inside, 1));
    assert.deepEqual({ ...agent.status().imagesDropped }, { mayNotLeave: 1 });
    assert.deepEqual(await logs(), []);
  });

  it('refuses what is no image of a camera of the robot, which costs nothing but this image', async () => {
    const agent = await world.open();
    agent.record(frameAt(0));
    for (const name of ['back', '__proto__', '../front', 'constructor', 7 as unknown as string])
      assert.throws(() => agent.recordImage(name, jpeg), {
        name: 'TypeError',
        message: /expected a camera of the robot type \(front, side, inside\), got/,
      });
    assert.throws(() => agent.recordImage('side', jpeg), TypeError);
    agent.recordImage('front', jpeg);
    agent.record(frameAt(1));
    assert.equal((await logs()).length, 1);
    assert.equal(await agent.endEpisode('success'), true);
  });

  it('holds twice the rate of the camera, in any second', async () => {
    const agent = await world.open();
    agent.record({ ...frameAt(0), atUs: startUs });
    for (let index = 0; index < 200; index++) agent.recordImage('front', jpeg, startUs + index * 10_000);
    const kept = await instants();
    for (const at of kept) assert.ok(kept.filter((each) => each >= at && each < at + 1_000_000).length <= 20, `${at}`);
    assert.equal(kept.length, 40);
    assert.deepEqual({ ...agent.status().imagesDropped }, { tooMany: 160 });
  });

  it('is in order whatever instants the program gives, and whatever its clock does', async () => {
    const agent = await world.open();
    agent.record(frameAt(0));
    const wrong = [startUs, startUs, startUs - 5_000_000, Number.NaN, -1, Infinity, 2 ** 60, 0.5];
    for (const atUs of wrong) agent.recordImage('front', jpeg, atUs);
    world.wallAheadMs += 3 * 86_400_000;
    agent.recordImage('front', jpeg, startUs + 3 * 86_400_000_000 + 200_000);
    const kept = await instants();
    assert.equal(kept.length, wrong.length + 1);
    assert.ok(kept.every((at, index) => Number.isSafeInteger(at) && at > (kept[index - 1] ?? -1)));
    assert.ok(kept.at(-1)! < startUs + 60_000_000, 'a jump of the clock moves no image away from its frames');
  });

  it('holds its limits of bytes and counts what they cost; frames go on', async () => {
    const agent = await world.open({ limits: { imageQuotaBytes: 20_000, maxImageBytes: 2_000 } });
    agent.record({ ...frameAt(0), atUs: startUs });
    const png = await pngImage(front, 1);
    agent.recordImage('front', rawImage(front, 1));
    for (let index = 0; index < 100; index++)
      agent.recordImage('front', index % 2 === 0 ? jpeg : png, startUs + index * 100_000);
    agent.record({ ...frameAt(1), atUs: startUs + 100_000 });
    const { imagesDropped, waitingImageBytes, lostFrames } = agent.status();
    const [log] = await logs();
    assert.ok(waitingImageBytes <= 20_000 && waitingImageBytes > 18_000, `${waitingImageBytes}`);
    assert.deepEqual({ ...imagesDropped }, { tooLarge: 1, quota: 100 - log!.images.length });
    assert.equal(lostFrames, 0);
    assert.equal(await agent.endEpisode('success'), true);
  });

  it('counts across restarts', async () => {
    let agent: Agent = await world.open();
    agent.record(frameAt(0));
    agent.recordImage('inside', await jpegImage(inside, 1));
    await agent.close();
    agent = await world.open();
    assert.deepEqual({ ...agent.status().imagesDropped }, { mayNotLeave: 1 });
  });
});
