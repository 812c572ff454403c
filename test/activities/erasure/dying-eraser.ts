import assert from 'node:assert/strict';

import { Fate, Killed, mortalPorts } from '../collection/dying-worker.ts';
import { erase, lakeRows, request } from './erasure-world.ts';
import { expectState, filled, state } from './filled-world.ts';

const robot = { kind: 'robot', robotId: 'r1' } as const;

/**
 * Kills an erasure at so many calls of its ports, evenly from the first to the last, each time in a new world, and lets the next attempt
 * end the work: what is left is what an erasure without a death leaves.
 */
export async function dieAndErase(most: number): Promise<{ readonly deaths: number; readonly calls: number }> {
  const whole = await filled();
  await request(whole.ports, 'e1', robot);
  const counting = new Fate(Number.POSITIVE_INFINITY);
  await erase(mortalPorts(whole, counting), 'e1');
  const [expected, expectedRows] = [await state(whole), await lakeRows(whole)];
  await whole.close();
  const { calls } = counting;
  const times = Math.min(most, calls);
  for (let death = 0; death < times; death += 1) {
    const diesAt = Math.floor(((death + 0.5) * calls) / times) + 1;
    const world = await filled();
    try {
      await request(world.ports, 'e1', robot);
      await assert.rejects(
        erase(mortalPorts(world, new Fate(diesAt)), 'e1'),
        (error) => error instanceof Killed || /killed at call/.test(String(error)),
        `killed at ${diesAt}`,
      );
      const { checked } = await erase(world.ports, 'e1');
      assert.deepEqual(checked.leftovers, [], `killed at ${diesAt}`);
      expectState(await state(world), expected, `killed at ${diesAt}`);
      assert.deepEqual(await lakeRows(world), expectedRows, `killed at ${diesAt}`);
    } finally {
      await world.close();
    }
  }
  return { deaths: times, calls };
}
