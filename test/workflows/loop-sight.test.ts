import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { ApplicationFailure } from '@temporalio/activity';
import { ScheduleOverlapPolicy } from '@temporalio/client';

import { temporalCycles } from '../../activities/adapters/temporal-cycles.ts';
import type { LoopSight } from '../../domain/monitoring/index.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { withWorker } from './harness.ts';
import { stubs } from './stubs.ts';

describe('the sight of the loop', function () {
  this.timeout(120_000);
  const policy = `sight-${randomUUID().slice(0, 8)}`;

  async function seen(isSeen: (sight: LoopSight) => boolean): Promise<LoopSight> {
    const { client } = await sharedTemporal();
    const desk = temporalCycles({ client, taskQueue: 'nobody' });
    let last: LoopSight | undefined;
    for (let attempt = 0; attempt < 400; attempt += 1) {
      last = await desk.sight(policy, 0);
      if (last !== undefined && isSeen(last)) return last;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return assert.fail(`expected another sight than ${JSON.stringify(last)}`);
  }

  it('has what a child of a running cycle tries again, with the cause, and how runs ended', async () => {
    let isBroken = true;
    const { activities } = stubs({
      trainModel: async (input) => {
        if (isBroken) throw ApplicationFailure.create({ type: 'TrainerFailed', message: 'the GPU fell off the bus' });
        return stubs().activities.trainModel(input);
      },
    });
    await withWorker(activities, async ({ start }) => {
      const cycle = await start('weeklyCycle', { policy });
      const { retries } = await seen((sight) => sight.retries.some(({ attempt }) => attempt >= 3));
      const retry = retries.find(({ what }) => what === 'trainModel');
      assert.match(retry?.workflowId ?? '', /^train\//);
      assert.equal(retry?.cause, 'the GPU fell off the bus');
      isBroken = false;
      await cycle.result();
      const { ended } = await seen((sight) => sight.ended.length > 0);
      assert.deepEqual(
        ended.map(({ kind, outcome, reason }) => [kind, outcome, reason]),
        [['cycle', 'offered', '1.1.0 begins']],
      );
    });
  });

  it('has a rollback that waits for a person, and failures in their own words', async () => {
    const { activities } = stubs({
      planRollback: async () => ({
        seq: 8,
        openTrialId: null,
        choice: { kind: 'ask', version: '0.9.0', reason: 'ask' },
      }),
      concludeCollection: async () => {
        throw ApplicationFailure.nonRetryable('the lake is cut in half', 'CorruptData');
      },
    });
    await withWorker(activities, async ({ start }) => {
      const rollback = await start('rollbackPolicy', { policy, target: 'baseline', who: 'ada' });
      const { approvals } = await seen((sight) => sight.approvals.length > 0);
      assert.deepEqual(approvals, [
        { workflowId: `rollback/${policy}`, what: 'the rollback to 0.9.0 that ada asked for waits for a person' },
      ]);
      await rollback.executeUpdate('reject', { args: [{ reason: 'no', who: 'bo' }] });
      await rollback.result();
      const cycle = await start('weeklyCycle', { policy });
      await assert.rejects(cycle.result());
      const { ended } = await seen((sight) => sight.ended.some(({ outcome }) => outcome === 'failed'));
      assert.ok(ended.some(({ kind, outcome }) => kind === 'rollback' && outcome === 'rejected'));
      assert.equal(ended.find(({ outcome }) => outcome === 'failed')?.reason, 'the lake is cut in half');
    });
  });

  it('has the schedule: missing, on with its period, paused with its note', async () => {
    const { client } = await sharedTemporal();
    const scheduleId = `weekly-sync-${policy}`;
    assert.deepEqual((await seen(() => true)).schedule, { kind: 'missing' });
    const schedule = await client.schedule.create({
      scheduleId,
      spec: { intervals: [{ every: '7 days' }] },
      action: { type: 'startWorkflow', workflowType: 'weeklyCycle', taskQueue: 'nobody', args: [{ policy }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP },
    });
    try {
      assert.deepEqual((await seen(() => true)).schedule, { kind: 'on', periodMs: 7 * 86_400_000 });
      await schedule.pause('inventory');
      assert.deepEqual((await seen(() => true)).schedule, { kind: 'paused', note: 'inventory' });
    } finally {
      await schedule.delete();
    }
  });
});
