import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import type { ObjectStore } from '../../../store/object-store.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { addRobot, newToken, tokenHash } from '../../../fleet/desk/index.ts';
import { withLoop } from '../../loop/loop.ts';
import { writeGeneratedWeek } from '../../support/generated-week/generator.ts';
import { attack, type StoreContent } from './store.attack.ts';

const policy = 'wall-follower';

describe('damaged objects of a store', () => {
  it('stop no reader without a word: each ends, and one that fails names the object', async () => {
    const content = await storeOfALoop();
    assert.ok([...content.keys()].some((key) => key.startsWith('models/')));
    await attack(
      {
        seed: Number(process.env['ATTACK_SEED'] ?? 1),
        count: Number(process.env['ATTACK_COUNT'] ?? 8),
        report: (line) => console.log(`      ${line}`),
      },
      content,
    );
  });
});

/** Everything that a cycle, three robots and their telemetry leave in a store. */
async function storeOfALoop(): Promise<StoreContent> {
  const content = new Map<string, Uint8Array>();
  await withLoop(policy, scitosG5Type, async ({ store, cycle, settings }) => {
    await writeGeneratedWeek({ store, scratchDirectory: settings.scratchDirectory }, { seed: 5, week: 1 });
    await cycle({ bootstrap: true, training: { targetFrames: 5_000 } });
    await addFleet(store);
    for await (const { key } of store.list('')) {
      const bytes = await store.get(key);
      if (bytes !== undefined) content.set(key, bytes);
    }
  });
  return content;
}

async function addFleet(store: ObjectStore): Promise<void> {
  const { id, version } = scitosG5Type;
  for (const robotId of ['sim-001', 'sim-002', 'sim-003']) {
    const tokenHashes = [tokenHash(newToken(robotId, randomBytes))];
    const robot = { robotId, policy, robotType: { id, version }, site: 'hall', stratum: 'hall', tokenHashes };
    await addRobot({ store, clock: Date.now }, { ...robot, who: 'a test', why: 'a test' });
  }
  const receivedMs = Date.now();
  const entries = [
    { kind: 'safetyEvent', seq: 0, atMs: receivedMs, policyVersion: null, trialId: null, event: 'bump' },
  ];
  const line = { robotId: 'sim-001', bootId: '01J00000000000000000000000', receivedMs, clockSkewMs: 0, entries };
  const hour = new Date(receivedMs).toISOString();
  const key = `telemetry/${policy}/${hour.slice(0, 10)}/${hour.slice(11, 13)}/${'a'.repeat(64)}`;
  await store.put(key, new TextEncoder().encode(`${JSON.stringify(line)}\n`));
}
