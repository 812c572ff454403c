import assert from 'node:assert/strict';

import type { Client } from '@temporalio/client';

import { temporalLoopView } from '../../console/loop-view.ts';

describe('what workflows say to the console', () => {
  it('is asked once of a run that ended, and every time of one that runs', async () => {
    const asked: string[] = [];
    const runs = new Map([
      ['trial/wall', { name: 'RUNNING', runId: 'r1', closeTime: undefined }],
      ['rollback/wall', { name: 'COMPLETED', runId: 'r2', closeTime: new Date(9) }],
    ]);
    const client = {
      withDeadline: (_: number, work: () => Promise<unknown>) => work(),
      workflow: {
        getHandle: (workflowId: string, runId?: string) => ({
          describe: async () => {
            const run = runs.get(workflowId);
            if (run === undefined) throw new Error(`expected a run that is there, got ${workflowId}`);
            const { name, closeTime, runId: own } = run;
            return { status: { name }, startTime: new Date(1), closeTime, runId: own, raw: {} };
          },
          query: async () => {
            asked.push(`${workflowId} ${runId}`);
            return { stage: runId };
          },
        }),
      },
    };
    const view = temporalLoopView(async () => client as unknown as Client, 'queue');
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual((await view.trial('wall'))?.status, { stage: 'r1' });
      assert.deepEqual((await view.rollback('wall'))?.status, { stage: runs.get('rollback/wall')?.runId });
    }
    // Another run of the same workflow is another one.
    runs.set('rollback/wall', { name: 'COMPLETED', runId: 'r3', closeTime: new Date(10) });
    assert.deepEqual((await view.rollback('wall'))?.status, { stage: 'r3' });
    const trial = Array.from({ length: 3 }, () => 'trial/wall r1');
    assert.deepEqual(asked.toSorted(), ['rollback/wall r2', 'rollback/wall r3', ...trial]);
  });
});
