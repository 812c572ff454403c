import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { collectingMeanwhile } from '../../demo/scenarios/collecting-meanwhile.ts';
import type { World } from '../../demo/world.ts';

describe('collecting while a trial runs', () => {
  /** A world in which the trial is as said; an error stands for no trial at all. */
  function worldWhere(stage: () => string, collect: () => Promise<void> = async () => undefined) {
    let collections = 0;
    const world = {
      trial: async () => {
        if (stage() === 'none') throw new Error('no trial yet');
        return { stage: stage() };
      },
      collect: async () => {
        collections += 1;
        await collect();
      },
    } as unknown as Pick<World, 'collect' | 'trial'>;
    return { world, collections: () => collections };
  }

  it('collects during A/B test and rollout alone, again and again, and ends when it is told to', async () => {
    let stage = 'none';
    const { world, collections } = worldWhere(() => stage);
    const collecting = collectingMeanwhile(world, 1);
    for (const other of ['none', 'starting', 'ended']) {
      stage = other;
      await sleep(10);
      assert.equal(collections(), 0, other);
    }
    for (const running of ['abTest', 'rollout']) {
      stage = running;
      const before = collections();
      while (collections() < before + 3) await sleep(1);
    }
    await collecting.stop();
    const last = collections();
    await sleep(10);
    assert.equal(collections(), last);
  });

  it('waits for the last collection, and says that one failed', async () => {
    const { world } = worldWhere(
      () => 'abTest',
      async () => {
        await sleep(5);
        throw new Error('the lake is damaged');
      },
    );
    await assert.rejects(collectingMeanwhile(world, 1).stop(), /the lake is damaged/);
  });
});
