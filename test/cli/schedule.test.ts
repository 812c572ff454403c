import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { ScheduleOverlapPolicy } from '@temporalio/client';

import { weeklyScheduleId } from '../../activities/schedule-id.ts';
import { ensureWeeklySchedule, readWeeklySchedule, scheduleDifference } from '../../cli/schedule.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { waitUntil } from '../../demo/processes.ts';
import { sharedTemporal } from '../support/temporal.ts';

const dayMs = 24 * 3_600_000;
const weekMs = 7 * dayMs;
/** Sundays at 02:00 UTC; in Europe and America the clocks change between them. */
const sundays = ['2026-03-22T02:00:00Z', '2026-03-29T02:00:00Z', '2026-04-05T02:00:00Z'];

describe('the weekly schedule', () => {
  const policy = `wall-${randomUUID().slice(0, 8)}`;
  const weekly = { policy, taskQueue: `nobody-${randomUUID()}`, input: { training: { seed: 3 } } };
  const cycles = async () => {
    const { client } = await sharedTemporal();
    const found: string[] = [];
    for await (const { workflowId } of client.workflow.list({
      query: `WorkflowType = "weeklyCycle" AND ExecutionStatus = "Running" AND WorkflowId STARTS_WITH "${workflowIds.scheduledCycle(policy)}"`,
    }))
      found.push(workflowId);
    return found.toSorted();
  };

  after(async () => {
    const { client } = await sharedTemporal();
    await client.schedule.getHandle(weeklyScheduleId(policy)).delete();
    for (const id of await cycles()) await client.workflow.getHandle(id).terminate('the test ends');
  });

  it('is Sunday 02:00 UTC through changes of the clocks, never two at once, a missed one made up for within a day', async () => {
    const { client } = await sharedTemporal();
    assert.equal(await ensureWeeklySchedule(client, weekly), 'created');
    const { info, policies, spec, action } = await client.schedule.getHandle(weeklyScheduleId(policy)).describe();
    const next = info.nextActionTimes;
    assert.ok(next.length >= 5, `expected the next Sundays, got ${next.length}`);
    for (const [index, date] of next.entries()) {
      assert.equal(date.getUTCDay(), 0, date.toISOString());
      assert.equal(date.toISOString().slice(11), '02:00:00.000Z');
      assert.equal(date.getTime(), (next[0]?.getTime() ?? 0) + index * weekMs);
    }
    assert.ok((next[0]?.getTime() ?? 0) - Date.now() <= weekMs, 'the first is within a week');
    assert.deepEqual(
      [policies.overlap, policies.catchupWindow, policies.pauseOnFailure, spec.timezone],
      [ScheduleOverlapPolicy.SKIP, dayMs, false, 'UTC'],
    );
    assert.deepEqual([action.workflowType, action.args], ['weeklyCycle', [{ policy, ...weekly.input }]]);
  });

  it('starts one cycle each Sunday, named by when, with its input', async () => {
    const { client } = await sharedTemporal();
    const handle = client.schedule.getHandle(weeklyScheduleId(policy));
    const span = { start: new Date('2026-03-20T00:00:00Z'), end: new Date('2026-04-06T00:00:00Z') };
    await handle.backfill([{ ...span, overlap: ScheduleOverlapPolicy.ALLOW_ALL }]);
    await waitUntil(
      async () => (await cycles()).length >= sundays.length,
      () => `${sundays.length} cycles`,
      30_000,
    );
    assert.deepEqual(
      await cycles(),
      sundays.map((at) => `${workflowIds.scheduledCycle(policy)}-${at}`),
    );
  });

  it('starts none beside one that runs', async () => {
    const { client } = await sharedTemporal();
    const handle = client.schedule.getHandle(weeklyScheduleId(policy));
    const made = (await cycles()).length;
    await handle.trigger(ScheduleOverlapPolicy.SKIP);
    await waitUntil(
      async () => (await cycles()).length > made,
      () => 'a cycle',
      30_000,
    );
    const before = await cycles();
    const { numActionsSkippedOverlap } = (await handle.describe()).info;
    await handle.trigger(ScheduleOverlapPolicy.SKIP);
    await waitUntil(
      async () => (await handle.describe()).info.numActionsSkippedOverlap > numActionsSkippedOverlap,
      () => 'an action that is skipped',
      30_000,
    );
    assert.deepEqual(await cycles(), before);
  });

  it('keeps an operator’s pause when it is made anew, and says in words what would change', async () => {
    const { client } = await sharedTemporal();
    await client.schedule.getHandle(weeklyScheduleId(policy)).pause('holidays');
    assert.equal(await ensureWeeklySchedule(client, weekly), 'updated');
    const present = await readWeeklySchedule(client, policy);
    assert.deepEqual(present, {
      when: 'SUNDAY 02:00:00 UTC',
      taskQueue: weekly.taskQueue,
      input: weekly.input,
      isPaused: true,
    });
    assert.ok(present !== undefined);
    assert.deepEqual(scheduleDifference(present, weekly), []);
    assert.deepEqual(scheduleDifference(present, { ...weekly, weekMs: 420_000, input: { training: { seed: 4 } } }), [
      'when: SUNDAY 02:00:00 UTC → every 420000 ms',
      'input.training: {"seed":3} → {"seed":4}',
    ]);
  });
});
