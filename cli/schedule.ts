import { ScheduleNotFoundError, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from '@temporalio/client';

import { defaultPolicy } from '../activities/workflow-inputs.ts';

/** `weekly-sync` for the default policy; further policies carry their name. */
export const weeklyScheduleId = (policy: string): string =>
  policy === defaultPolicy ? 'weekly-sync' : `weekly-sync-${policy}`;

export interface WeeklySchedule {
  readonly policy: string;
  readonly taskQueue: string;
  /** Real length of a fleet week that is not a real one; default: Sundays 02:00 UTC. */
  readonly weekMs?: number;
  /** Input of `weeklyCycle` beside the policy. */
  readonly input?: Readonly<Record<string, unknown>>;
}

/**
 * Makes or updates the weekly cycle of a policy: Sunday 02:00 UTC, never two at once, a missed one made up for within a
 * day. Idempotent: an operator's pause stays.
 */
export async function ensureWeeklySchedule(client: Client, weekly: WeeklySchedule): Promise<'created' | 'updated'> {
  const scheduleId = weeklyScheduleId(weekly.policy);
  const options = scheduleOf(weekly);
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

const scheduleOf = ({
  policy,
  taskQueue,
  weekMs,
  input = {},
}: WeeklySchedule): Omit<ScheduleOptions, 'scheduleId' | 'state'> => ({
  spec:
    weekMs === undefined
      ? { calendars: [{ dayOfWeek: 'SUNDAY', hour: 2, minute: 0 }], timezone: 'UTC' }
      : { intervals: [{ every: weekMs }] },
  action: {
    type: 'startWorkflow',
    workflowType: 'weeklyCycle',
    workflowId: `cycle/${policy}`,
    taskQueue,
    args: [{ policy, ...input }],
  },
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: weekMs ?? '1 day', pauseOnFailure: false },
});
