import { ScheduleNotFoundError, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from '@temporalio/client';

import { defaultPolicy } from '../activities/workflow-inputs.ts';

/** `weekly-sync` for the default policy; further policies carry their name. */
export const weeklyScheduleId = (policy: string): string =>
  policy === defaultPolicy ? 'weekly-sync' : `weekly-sync-${policy}`;

/**
 * Makes or updates the weekly cycle of a policy: Sunday 02:00 UTC, never two at once, a missed one made up for within a
 * day. Idempotent: an operator's pause stays.
 */
export async function ensureWeeklySchedule(
  client: Client,
  policy: string,
  taskQueue: string,
): Promise<'created' | 'updated'> {
  const scheduleId = weeklyScheduleId(policy);
  const options = weeklySchedule(policy, taskQueue);
  const handle = client.schedule.getHandle(scheduleId);
  try {
    await handle.update((previous) => ({ ...options, state: previous.state }));
    return 'updated';
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
  await client.schedule.create({ ...options, scheduleId });
  return 'created';
}

const weeklySchedule = (policy: string, taskQueue: string): Omit<ScheduleOptions, 'scheduleId' | 'state'> => ({
  spec: { calendars: [{ dayOfWeek: 'SUNDAY', hour: 2, minute: 0 }], timezone: 'UTC' },
  action: {
    type: 'startWorkflow',
    workflowType: 'weeklyCycle',
    workflowId: `cycle/${policy}`,
    taskQueue,
    args: [{ policy }],
  },
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day', pauseOnFailure: false },
});
