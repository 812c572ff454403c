import assert from 'node:assert/strict';

import { CollectionWorld, oneRobot, portsOf, withGap, type Ports } from './collection-fixture.ts';
import { dieAndGoOn, isWhole, Killed, landedWorld } from './dying-worker.ts';

describe('a worker that dies while it collects', () => {
  it('at any call loses and doubles nothing: the next attempt ends the work', async function () {
    this.timeout(180_000);
    await dieAndGoOn(40);
  });

  it('follows the decision that was written, though a release came in between', async () => {
    const world = await CollectionWorld.open();
    const { robotId, episodes } = oneRobot(3, 2);
    const key = await world.land(robotId, [...episodes[0]!, ...withGap(episodes[1]!)]);
    // Dies at the commit of the episodes: frames are in already.
    const { store, engine, scratchDirectory } = world.ports;
    let appends = 0;
    const ports = portsOf(store, engine, scratchDirectory);
    const dying: Ports = {
      ...ports,
      lake: {
        ...ports.lake,
        commitStaged: async (...input) => {
          if (++appends === 2) throw new Killed('before the episodes');
          return ports.lake.commitStaged(...input);
        },
      },
    };
    await assert.rejects(world.collect('c1', { ports: dying }), Killed);
    const sha256 = key.slice(-72, -8);
    const release = {
      sha256,
      rules: ['frames.gap'],
      quarantineKey: '',
      landingKey: key,
      reason: 'test',
      who: 'test',
      releasedMs: 0,
    };
    await store.put(`releases/${sha256}.json`, new TextEncoder().encode(JSON.stringify(release)));
    const { result } = await world.collect('c1');
    assert.deepEqual([result.episodesStored, result.quarantinedEpisodes], [1, 1]);
    assert.equal((await world.rows('frames', 'episode_id')).length, 25);
    await world.close();
  });
});

describe('a cancelled collection', () => {
  it('stops at the next unit of work, leaves no scratch, and can be taken up again', async () => {
    const world = await landedWorld();
    const { store, engine, scratchDirectory } = world.ports;
    for (const stage of ['fetching', 'validating', 'looking for duplicates', 'committing', 'frames committed']) {
      const progress = (details: Readonly<Record<string, unknown>>): void => {
        if (details['stage'] === stage) throw new Killed(stage);
      };
      const ports = portsOf(store, engine, scratchDirectory, progress);
      await assert.rejects(world.collect('c1', { ports }), Killed);
      assert.deepEqual(await world.leftInScratch(), [], stage);
    }
    await world.collect('c1');
    await isWhole(world, 'after cancellations');
    await world.close();
  });
});
