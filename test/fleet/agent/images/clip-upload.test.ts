import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { Agent } from '../../../../fleet/agent/index.ts';
import { gatewayKnows, wireLimits } from '../../../../fleet/protocol/index.ts';
import { robotWorld } from '../robot-world.ts';
import { frameAt, until } from '../robot.ts';
import { front, jpegImage, plainClipMaker, seeingType } from './camera-robot.ts';
import { mediaIn } from './stored-media.ts';

describe('clips on their way to the gateway', () => {
  const world = robotWorld({ robotType: seeingType, clipMaker: plainClipMaker, limits: { clipLineFraction: 1 } });
  let small: Uint8Array;
  let large: Uint8Array;
  before(async () => {
    small = await jpegImage(front, 1);
    // What follows the end of a JPEG belongs to no decoder: a clip of several parts at no cost.
    large = Buffer.concat([small, Buffer.alloc(2.2 * 1024 * 1024, 7)]);
  });

  const clipNames = () => readdir(path.join(world.directory, 'clips'));
  const delivered = async (agent: Agent): Promise<void> =>
    until('delivered', () => agent.status().waitingClips + agent.status().waitingSegments === 0);
  async function record(
    agent: Agent,
    image: Uint8Array,
    outcome: 'success' | 'failure' = 'success',
    images = image === large ? 2 : 3,
    stepUs = 100_000,
  ) {
    const id = agent.beginEpisode();
    const at = Date.now() * 1000;
    for (let index = 0; index < images; index++) {
      agent.recordImage('front', image, at + index * stepUs);
      agent.record({ ...frameAt(index), atUs: at + index * stepUs });
    }
    await agent.endEpisode(outcome, outcome === 'success' ? {} : { reason: 'lost' });
    return id;
  }

  it('come after their segment, whole, and say of which episode they are', async () => {
    const agent = await world.open();
    const ids = [await record(agent, small), await record(agent, large, 'failure')];
    await agent.settle();
    await delivered(agent);
    const { media } = world.gateway;
    const named = await mediaIn(world.gateway, world.directory);
    assert.equal(named.length, 2);
    for (const { episodeId, sha256, startedAtUs } of named) {
      assert.ok(media.clips.has(sha256), 'a segment names no clip that does not come');
      const said = media.completions.filter((each) => each.sha256 === sha256);
      assert.deepEqual(
        said.map((each) => [each.episodeId, each.camera, each.startedAtUs]),
        [[episodeId, 'front', startedAtUs]],
      );
    }
    assert.deepEqual(new Set(named.map(({ episodeId }) => episodeId)), new Set(ids));
    const order = world.gateway.requests.filter((line) => /(PUT|POST).*\/(segments|media)\//.test(line));
    const firstClip = order.findIndex((line) => line.includes('/media/'));
    const lastSegment = order.findLastIndex((line) => line.includes('/segments/'));
    assert.ok(firstClip > lastSegment, order.join('\n'));
    assert.equal(media.completions[0]?.episodeId, ids[1], 'what is worth more goes first');
    assert.equal(Math.max(...[...media.clips.values()].map(({ length }) => length)) > wireLimits.partBytes, true);
    assert.deepEqual(await clipNames(), []);
    assert.deepEqual({ ...agent.status().imagesDropped }, {});
  });

  it('are told of with every heartbeat, to gateways that take it: how many wait, and that none was lost', async () => {
    world.gateway.knows = gatewayKnows;
    world.gateway.refuse = (name) => (name.includes('/media/') ? 503 : undefined);
    const agent = await world.open();
    await record(agent, small);
    await agent.settle();
    await until('told', () => world.gateway.heartbeats.some(({ images }) => (images?.waitingClips ?? 0) > 0));
    const told = world.gateway.heartbeats.findLast(({ images }) => images !== undefined);
    assert.ok((told?.images?.waitingClips ?? 0) > 0);
    assert.equal(told?.images?.lost, 0);
    assert.ok((told?.images?.waitingBytes ?? 0) > 0);
  });

  it('go on where they stopped, through other gateways and other lives of the agent, and double nothing', async () => {
    let agent = await world.open();
    const { media } = world.gateway;
    // The second part is stored, but its answer is lost.
    let lost = 0;
    world.gateway.answerBadly = (where, response) => {
      if (!where.endsWith('parts/1') || lost > 0) return false;
      lost += 1;
      response.destroy();
      return true;
    };
    await record(agent, large);
    await agent.settle();
    await until('cut', () => lost === 1);
    await agent.crash();
    agent = await world.open();
    await delivered(agent);
    // The completion's answer is lost as well.
    lost = 0;
    world.gateway.answerBadly = (where, response) => {
      if (!/media\/[0-9a-f]{64}$/.test(where) || lost > 1 || media.completions.length < 2) return false;
      lost += 1;
      response.destroy();
      return true;
    };
    await record(agent, large, 'failure', 2, 120_000);
    await agent.settle();
    await delivered(agent);
    assert.equal(media.clips.size, 2);
    for (const [sha256] of media.clips)
      for (let part = 0; part < 2; part++)
        assert.ok(media.puts.filter((put) => put === `${sha256}/${part}`).length <= (part === 1 ? 2 : 1));
  });

  it('wait as long as the gateway asks, and nothing else waits with them', async () => {
    const agent = await world.open();
    const { media } = world.gateway;
    media.refuse = (method) => (method === 'PUT' ? { status: 429, type: 'mediaQuota', retryAfterS: 1_800 } : undefined);
    await record(agent, small);
    await agent.settle();
    const asked = (): number => world.gateway.requests.filter((line) => /PUT.*\/media\//.test(line)).length;
    await until('refused', () => asked() === 1);
    await record(agent, small, 'failure');
    await agent.settle();
    await until('segments and telemetry', () => agent.status().waitingSegments + agent.status().waitingTelemetry === 0);
    assert.equal(world.gateway.segments.size, 2);
    assert.equal(asked(), 1);
    media.refuse = () => undefined;
    world.aheadMs += 1_800_000;
    await record(agent, small, 'failure', 4);
    await agent.settle();
    await delivered(agent);
  });

  it('keep to their budget of a day, and have another one the next day', async () => {
    const agent = await world.open({ limits: { clipBytesPerDay: 1.2 * wireLimits.partBytes } });
    const { media } = world.gateway;
    // Parts of 4 and 2.6 MiB: the second is beyond the budget, however far the first life comes.
    await record(agent, large, 'success', 3);
    await agent.settle();
    await until('a part', () => media.puts.length === 1);
    await agent.close();
    const again = await world.open({ limits: { clipBytesPerDay: 1.2 * wireLimits.partBytes } });
    await record(again, small, 'failure');
    await again.settle();
    await until('the segment', () => world.gateway.segments.size === 2);
    await until('small ones fit', () => media.clips.size === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(
      media.puts.map((put) => put.slice(-2)),
      ['/0', '/0'],
    );
    const tomorrow = await (async () => {
      await again.close();
      world.gateway.clockMs = () => Date.now() + 86_400_000;
      return world.open({ limits: { clipBytesPerDay: 1.2 * wireLimits.partBytes } });
    })();
    await delivered(tomorrow);
    assert.equal(media.clips.size, 2);
  });

  it('that no gateway takes, or that the disk damaged, are given up and counted; the next one goes on', async () => {
    const agent = await world.open();
    const { media } = world.gateway;
    world.gateway.refuse = (where) => (where.includes('/segments/') ? 503 : undefined);
    media.refuse = () => ({ status: 403, type: 'mediaRefused' });
    await record(agent, small, 'failure');
    await agent.settle();
    world.gateway.refuse = () => undefined;
    await until('refused', () => agent.status().imagesDropped['refused'] === 3);
    media.refuse = () => undefined;
    world.gateway.refuse = (where) => (where.includes('/segments/') ? 503 : undefined);
    await record(agent, small, 'success', 2);
    await agent.settle();
    const file = path.join(world.directory, 'clips', (await clipNames())[0]!);
    const bytes = await readFile(file);
    bytes[bytes.length - 5]! ^= 1;
    await writeFile(file, bytes);
    world.gateway.refuse = () => undefined;
    await until('damaged', () => agent.status().imagesDropped['damaged'] === 2);
    media.keep = (part) => Buffer.from(part).fill(1, 0, 1);
    await record(agent, small, 'success', 1);
    await agent.settle();
    await until('refused after three times', () => agent.status().imagesDropped['refused'] === 4);
    media.keep = (part) => part;
    await record(agent, small);
    await agent.settle();
    await delivered(agent);
    assert.equal(media.clips.size, 1);
  });

  it('wait for a gateway that knows clips; an older one gets the numbers', async () => {
    const lines: string[] = [];
    const agent = await world.open({ log: (line) => void lines.push(line) });
    world.gateway.media.isKnown = false;
    await record(agent, small);
    await agent.settle();
    await until('the segment', () => world.gateway.segments.size === 1);
    await until('said', () => lines.some((line) => line.includes('the gateway knows none yet')));
    world.gateway.media.isKnown = true;
    world.aheadMs += 600_000;
    await record(agent, small);
    await agent.settle();
    await delivered(agent);
    assert.ok(world.gateway.media.clips.size >= 1);
  });
});
