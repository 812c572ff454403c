import assert from 'node:assert/strict';

import type { WorkflowHandle } from '@temporalio/client';

import { waitUntil } from '../../demo/processes.ts';
import type { KeepStoreStatus } from '../../workflows/keep-store.ts';
import { withWorker } from './harness.ts';
import { stubs } from './stubs.ts';

const statusOf = (handle: WorkflowHandle): Promise<KeepStoreStatus> => handle.query<KeepStoreStatus>('status');

describe('keepStore', () => {
  it('sweeps again and again, goes on after a sweep that failed, and hurries while there is more', async () => {
    const asked: unknown[] = [];
    const { activities } = stubs({
      sweepStore: async (input) => {
        asked.push(input);
        if (asked.length === 1)
          return { swept: [{ kind: 'scratch', objects: 1, bytes: 2 }], examples: [], isBehind: true };
        return { swept: [], examples: [], isBehind: false };
      },
    });
    await withWorker(activities, async ({ start, suffix }) => {
      const policy = `wall-${suffix}`;
      const handle = await start('keepStore', { policy, profile: 'compressed', everyMs: 200 });
      await waitUntil(async () => (await statusOf(handle)).sweeps >= 3, 'three sweeps', 60_000, 50);
      assert.deepEqual(asked[0], { policy, dayMs: 60_000, dryRun: false });
      assert.equal((await statusOf(handle)).failure, null);
      await handle.terminate();
    });
  });

  it('refuses every id but its own', async () => {
    await withWorker(stubs().activities, async ({ start, suffix }) => {
      const handle = await start('keepStore', { policy: `wall-${suffix}` }, `retention/other-${suffix}`);
      await assert.rejects(handle.result(), (error: Error) => /expected workflow id/.test(String(error.cause)));
    });
  });
});
