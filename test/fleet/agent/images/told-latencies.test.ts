import assert from 'node:assert/strict';

import type { Agent } from '../../../../fleet/agent/index.ts';
import { gatewayKnows, type TelemetryEntry } from '../../../../fleet/protocol/index.ts';
import { robotWorld } from '../robot-world.ts';
import { frameAt, until } from '../robot.ts';
import { front, plainClipMaker, rawImage, seeingType } from './camera-robot.ts';

type Episode = Extract<TelemetryEntry, { kind: 'episode' }>;

describe('what a robot that sees tells of its images', () => {
  const world = robotWorld({ robotType: seeingType, clipMaker: plainClipMaker, limits: { clipWaitMs: 3_600_000 } });

  /** Decisions of 5, 7, …, 15 ms, of which decoding took 1, 2, …, 6. */
  async function episode(agent: Agent): Promise<void> {
    agent.beginEpisode();
    agent.recordImage('front', rawImage(front, 1));
    agent.recordImage('inside', rawImage(front, 2));
    for (let index = 0; index < 6; index += 1)
      agent.record({ ...frameAt(index), latencyMs: 5 + 2 * index, decodingMs: 1 + index });
    await agent.endEpisode('success');
  }
  const told = async (count: number): Promise<readonly Episode[]> => {
    const episodes = (): Episode[] => [...world.gateway.entries.values()].filter((entry) => entry.kind === 'episode');
    await until(`${count} episodes are told`, () => episodes().length === count);
    return episodes();
  };
  const parts = { decodingP50Ms: 3, policyP50Ms: 6 };

  it('are decoding and policy apart, images that wait and images that are lost, to a gateway that knows them', async () => {
    world.gateway.knows = `later,${gatewayKnows}`;
    const agent = await world.open();
    await until('it has heard of the gateway', () => world.gateway.heartbeats.length > 0);
    await episode(agent);
    const [entry] = await told(1);
    assert.deepEqual([entry?.latencyP50Ms, entry?.latencyParts], [9, parts]);
    await until('lost', () => world.gateway.heartbeats.at(-1)?.images?.lost === 1);
    const { waitingBytes = 0, waitingClips } = world.gateway.heartbeats.at(-1)?.images ?? {};
    assert.ok(waitingBytes > front.width * front.height * 3, `${waitingBytes}`);
    assert.equal(waitingClips, 1);
    assert.deepEqual({ ...agent.status().imagesDropped }, { mayNotLeave: 1 });
  });

  it('are none of it to a gateway of before, and it takes everything else', async () => {
    const agent = await world.open();
    await episode(agent);
    const [entry] = await told(1);
    assert.deepEqual([entry?.latencyP50Ms, entry?.latencyParts], [9, undefined]);
    const beats = world.gateway.heartbeats.length;
    await until('it beats on', () => world.gateway.heartbeats.length > beats);
    assert.equal(world.gateway.heartbeats.at(-1)?.images, undefined);
    assert.equal(agent.status().setAside, 0);
  });

  it('lose no outcome where another gateway, of before, answers after the announcement', async () => {
    world.gateway.knows = gatewayKnows;
    world.gateway.isTelemetryOfBefore = true;
    const agent = await world.open();
    await until('announced', () => world.gateway.heartbeats.some(({ images }) => images !== undefined));
    await episode(agent);
    await until('nothing waits', () => agent.status().waitingTelemetry === 0);
    const [entry] = await told(1);
    assert.deepEqual([entry?.latencyP50Ms, entry?.latencyParts], [9, undefined]);
    assert.equal(agent.status().setAside, 0);
    const beats = world.gateway.heartbeats.length;
    world.gateway.knows = undefined;
    await until('it beats on', () => world.gateway.heartbeats.length > beats);
  });

  it('are kept over the death of the agent, and told by the next one', async () => {
    world.gateway.refuse = (path) => (path.endsWith('/telemetry') ? 503 : undefined);
    const agent = await world.open();
    agent.beginEpisode();
    agent.record({ ...frameAt(0), latencyMs: 5, decodingMs: 9 });
    await agent.crash();
    world.gateway.knows = gatewayKnows;
    await world.open();
    await until('announced', () => world.gateway.heartbeats.some(({ images }) => images !== undefined));
    world.gateway.refuse = () => undefined;
    const [entry] = await told(1);
    // A program may say what cannot be: decoding is never longer than the decision.
    assert.deepEqual([entry?.outcome, entry?.latencyParts], ['aborted', { decodingP50Ms: 5, policyP50Ms: 0 }]);
  });
});
