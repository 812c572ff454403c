import assert from 'node:assert/strict';
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { readClip, type Clip } from '../../../../datasets/media/read-clip.ts';
import { childClipMaker } from '../../../../fleet/agent/adapters/child-clip-maker.ts';
import { NoClip, type ClipMaker } from '../../../../fleet/agent/images/clip-maker.ts';
import type { Agent } from '../../../../fleet/agent/index.ts';
import { robotWorld } from '../robot-world.ts';
import { frameAt, until } from '../robot.ts';
import { front, jpegImage, plainClipMaker, pngImage, rawImage, seeingType, side } from './camera-robot.ts';
import { mediaIn } from './stored-media.ts';

describe('clips of a robot', () => {
  const world = robotWorld({ robotType: seeingType, clipMaker: plainClipMaker, limits: { clipBytesPerDay: 0 } });
  let jpeg: Uint8Array;
  before(async () => {
    jpeg = await jpegImage(front, 1);
  });

  const names = (folder: string) => readdir(path.join(world.directory, folder));
  const clipFiles = async () => (await names('clips')).map((name) => path.join(world.directory, 'clips', name));
  async function clipAt(file: string): Promise<Clip> {
    const bytes = await readFile(file);
    return readClip({ sizeBytes: bytes.length, read: async (start, end) => bytes.subarray(start, end) });
  }
  async function record(
    agent: Agent,
    { images = 3, outcome = 'success' }: { images?: number; outcome?: 'success' | 'failure' } = {},
  ) {
    const id = agent.beginEpisode();
    const at = Date.now() * 1000;
    for (let index = 0; index < images; index++) agent.recordImage('front', jpeg, at + index * 100_000);
    for (let index = 0; index < 5; index++) agent.record({ ...frameAt(index), atUs: at + index * 110_000 });
    await agent.endEpisode(outcome, outcome === 'success' ? {} : { reason: 'lost' });
    return id;
  }

  it('hold every image with its instant, and the segment of the episode names them', async () => {
    const agent = await world.open();
    await until('connected', () => agent.status().isConnected);
    const at = Date.now() * 1000;
    const id = agent.beginEpisode();
    const given = [jpeg, await pngImage(front, 2), rawImage(front, 3), jpeg];
    const instants = [0, 90_001, 200_000, 333_333];
    for (const [index, bytes] of given.entries()) agent.recordImage('front', bytes, at + instants[index]!);
    agent.recordImage('side', rawImage(side, 4), at);
    agent.record({ ...frameAt(0), atUs: at });
    await agent.endEpisode('success');
    await agent.settle();
    const [first, second] = await clipFiles();
    const clip = await clipAt(first!);
    assert.deepEqual([clip.codec, clip.width, clip.height], ['jpeg', 32, 24]);
    assert.deepEqual(
      clip.samples.map((sample) => sample.atUs),
      instants,
    );
    const bytes = await readFile(first!);
    const { offset, sizeBytes } = clip.samples[3]!;
    assert.deepEqual(bytes.subarray(offset, offset + sizeBytes), Buffer.from(jpeg), 'a JPEG stays the bytes it was');
    assert.equal((await clipAt(second!)).samples.length, 1);
    assert.deepEqual(await names('images'), []);

    await until('uploaded', () => world.gateway.segments.size === 1);
    const media = await mediaIn(world.gateway, world.directory);
    assert.deepEqual(
      media.map(({ episodeId, kind }) => [episodeId, kind]),
      [
        [id, 'camera:front'],
        [id, 'camera:side'],
      ],
    );
    for (const [index, { sha256, key, startedAtUs, frameUs, durationMs }] of media.entries()) {
      const file = [first, second][index]!;
      assert.ok(path.basename(file).includes(sha256), 'the segment names the clip that is there');
      assert.equal(key, `media/${sha256}.mp4`);
      assert.equal(startedAtUs, frameUs, 'times of clips and of frames are by one clock');
      assert.equal(durationMs, index === 0 ? 433 : 100);
    }
  });

  it('are made once the robot stands still, or has driven for too long', async () => {
    const agent = await world.open({ limits: { clipIdleMs: 5_000, clipWaitMs: 60_000 } });
    agent.busy();
    await record(agent);
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal((await names('images')).length, 1);
    world.aheadMs += 60_000;
    await until('made', async () => (await names('images')).length === 0);
    await record(agent);
    agent.idle();
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal((await names('images')).length, 1, 'a moment between two episodes is no rest');
    world.aheadMs += 5_000;
    await until('made', async () => (await names('images')).length === 0);
    assert.equal((await names('clips')).length, 2);
  });

  it('come before the segment, and never hold it up for good', async () => {
    const refused: string[] = [];
    const clipMaker: ClipMaker = {
      ...plainClipMaker,
      async make(log) {
        refused.push(log);
        throw refused.length % 2 === 0 ? new NoClip('nothing in it') : new Error('killed');
      },
    };
    const agent = await world.open({ clipMaker });
    await until('connected', () => agent.status().isConnected);
    await record(agent, { images: 3 });
    await agent.settle();
    await until('uploaded', () => world.gateway.segments.size === 1);
    assert.equal(refused.length, 2);
    assert.deepEqual(await mediaIn(world.gateway, world.directory), []);
    assert.deepEqual({ ...agent.status().imagesDropped }, { notMade: 3 });
    assert.deepEqual([...(await names('images')), ...(await names('clips'))], []);
  });

  it('lose what cannot be decoded, image by image', async () => {
    const agent = await world.open();
    const broken = Uint8Array.from(await pngImage(front, 1));
    broken.fill(0, 60);
    agent.beginEpisode();
    const at = Date.now() * 1000;
    for (const [index, bytes] of [jpeg, broken, rawImage(front, 1)].entries())
      agent.recordImage('front', bytes, at + index * 100_000);
    agent.record(frameAt(0));
    await agent.endEpisode('success');
    await agent.settle();
    const clip = await clipAt((await clipFiles())[0]!);
    assert.deepEqual(
      clip.samples.map((sample) => sample.atUs),
      [0, 200_000],
    );
    assert.deepEqual({ ...agent.status().imagesDropped }, { notMade: 1 });
  });

  it('of an agent without a maker there are none; it counts, and says why', async () => {
    const lines: string[] = [];
    const agent = await world.open({ clipMaker: undefined, log: (line) => void lines.push(line) });
    await until('connected', () => agent.status().isConnected);
    await record(agent);
    await agent.settle();
    await until('uploaded', () => world.gateway.segments.size === 1);
    assert.deepEqual({ ...agent.status().imagesDropped }, { noClipMaker: 3 });
    assert.ok(
      lines.some((line) => /images are not recorded: .* got one without/.test(line)),
      lines.join('\n'),
    );
  });

  it('and segments of a robot that was off in between are made at its next start', async () => {
    const waits: ClipMaker = {
      ...plainClipMaker,
      make: (_log, _target, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    };
    let agent = await world.open({ clipMaker: waits });
    await until('connected', () => agent.status().isConnected);
    const id = await record(agent);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await agent.close();
    assert.equal(world.gateway.segments.size, 0);
    await writeFile(path.join(world.directory, 'clips', 'x.tmp'), 'left over');
    agent = await world.open();
    await until('connected', () => agent.status().isConnected);
    await agent.settle();
    await until('uploaded', () => world.gateway.segments.size === 1);
    const media = await mediaIn(world.gateway, world.directory);
    assert.deepEqual(
      media.map(({ episodeId }) => episodeId),
      [id],
    );
    assert.equal((await names('clips')).length, 1);
  });

  describe('of which the disk takes no more than its quota', () => {
    it('are given up, the least worth and the oldest first, before any segment is', async () => {
      const agent = await world.open({ limits: { imageQuotaBytes: 30_000, rotateBytes: 1 } });
      await until('connected', () => agent.status().isConnected);
      world.gateway.refuse = () => 503;
      const lessons: string[] = [];
      for (let index = 0; index < 12; index++) {
        const outcome = index % 4 === 1 ? 'failure' : 'success';
        const id = await record(agent, { images: 5, outcome });
        if (outcome === 'failure') lessons.push(id);
        await agent.settle();
      }
      const kept = await names('clips');
      assert.deepEqual(
        lessons.filter((id) => !kept.some((name) => name.includes(id))),
        [],
      );
      const { waitingImageBytes, imagesDropped, droppedEpisodes } = agent.status();
      assert.ok(waitingImageBytes <= 30_000, `${waitingImageBytes}`);
      assert.deepEqual({ ...imagesDropped }, { quota: 5 * (12 - kept.length) });
      assert.equal(droppedEpisodes, 0);
    });

    it('a clip that was being given up when the process died is counted once', async () => {
      let agent = await world.open({ limits: { rotateBytes: 1 } });
      world.gateway.refuse = () => 503;
      await record(agent, { images: 4 });
      await agent.settle();
      await agent.crash();
      await truncate((await clipFiles())[0]!, 0);
      for (let start = 0; start < 2; start++) {
        agent = await world.open();
        assert.deepEqual({ ...agent.status().imagesDropped }, { quota: 4 });
        assert.deepEqual(await names('clips'), []);
        await agent.crash();
      }
      world.agent = undefined;
    });
  });

  it('of a maker in processes of its own: PNG and raw pixels too, and a log that is none', async function () {
    this.timeout(60_000);
    const agent = await world.open();
    agent.busy();
    agent.beginEpisode();
    const at = Date.now() * 1000;
    for (const [index, bytes] of [jpeg, rawImage(front, 1)].entries())
      agent.recordImage('front', bytes, at + index * 100_000);
    agent.record(frameAt(0));
    await agent.endEpisode('success');
    const [log] = await names('images');
    const signal = new AbortController().signal;
    const maker = childClipMaker({ environment: {} });
    const [one, other] = ['one', 'other'].map((name) => path.join(world.directory, name));
    const made = await maker.make(path.join(world.directory, 'images', log!), one!, signal);
    assert.deepEqual(
      [made.images, made.lostImages, made.durationMs, made.sizeBytes],
      [2, 0, 200, (await stat(one!)).size],
    );
    await writeFile(other!, 'no log');
    await assert.rejects(maker.make(other!, `${other}.clip`, signal), NoClip);
    await assert.rejects(maker.make(path.join(world.directory, 'nothing'), `${other}.clip`, signal), {
      code: 'ENOENT',
    });
    await assert.rejects(maker.make(other!, `${other}.clip`, AbortSignal.abort(new Error('over'))), /over/);
  });
});
