import assert from 'node:assert/strict';

import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';

import { waitUntil } from '../../demo/processes.ts';
import type { KeepFactsStatus } from '../../workflows/keep-facts.ts';
import { withWorker } from './harness.ts';
import { stubs } from './stubs.ts';

const statusOf = (handle: WorkflowHandle): Promise<KeepFactsStatus> => handle.query<KeepFactsStatus>('status');

describe('keepFacts', () => {
  it('compacts again and again, hurries while there is more, and goes on after a compaction that failed', async () => {
    const asked: unknown[] = [];
    const { activities } = stubs({
      compactFacts: async (input) => {
        asked.push(input);
        if (asked.length === 2) throw ApplicationFailure.nonRetryable('the state is damaged', 'CorruptData');
        const totals = { outcomes: asked.length, tooOld: 0, beforeRegistration: 0, mayRepeat: 0, damaged: 0 };
        return { steps: 1, totals, asOfMs: 1, isBehind: asked.length === 1 };
      },
    });
    await withWorker(activities, async ({ start, suffix }) => {
      const policy = `wall-${suffix}`;
      const handle = await start('keepFacts', { policy, profile: 'compressed', everyMs: 400 });
      const seen = new Set<string | null>();
      await waitUntil(
        async () => {
          const status = await statusOf(handle);
          seen.add(status.failure);
          return status.compactions >= 4;
        },
        'four compactions',
        60_000,
        50,
      );
      assert.ok(seen.has('the state is damaged'), 'a failure is told');
      assert.deepEqual(asked[0], { policy });
      const status = await statusOf(handle);
      assert.equal(status.failure, null);
      assert.equal(status.last?.totals.outcomes, status.compactions);
      await handle.terminate();
    });
  });

  it('refuses every id but its own', async () => {
    await withWorker(stubs().activities, async ({ start, suffix }) => {
      const handle = await start('keepFacts', { policy: `wall-${suffix}` }, `facts/other-${suffix}`);
      await assert.rejects(handle.result(), (error: Error) => /expected workflow id/.test(String(error.cause)));
    });
  });
});
