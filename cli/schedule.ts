import {
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleDescription,
  type ScheduleOptions,
} from '@temporalio/client';

import { weeklyScheduleId } from '../activities/schedule-id.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';

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

/** A schedule as it stands, in words that can be compared. */
export interface PresentSchedule {
  readonly when: string;
  readonly taskQueue: string;
  /** Input of its cycles beside the policy. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly isPaused: boolean;
}

/** Undefined when there is none. */
export async function readWeeklySchedule(client: Client, policy: string): Promise<PresentSchedule | undefined> {
  try {
    const { spec, action, state } = await client.schedule.getHandle(weeklyScheduleId(policy)).describe();
    const [input = {}] = (action.args ?? []) as [Record<string, unknown>?];
    const { policy: _, ...rest } = input;
    return { when: whenOf(spec), taskQueue: action.taskQueue, input: rest, isPaused: state.paused };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

/** What would change, a line a field: before → after. Empty when nothing would. */
export function scheduleDifference(present: PresentSchedule, wanted: WeeklySchedule): readonly string[] {
  const when = wanted.weekMs === undefined ? sundays : `every ${wanted.weekMs} ms`;
  const rows = [
    ['when', present.when, when],
    ['task queue', present.taskQueue, wanted.taskQueue],
    ...[...new Set([...Object.keys(present.input), ...Object.keys(wanted.input ?? {})])]
      .toSorted()
      .map((name) => [`input.${name}`, shown(present.input[name]), shown(wanted.input?.[name])]),
  ] as const;
  return rows
    .filter(([, before, after]) => before !== after)
    .map(([what, before, after]) => `${what}: ${before} → ${after}`);
}

const sundays = 'SUNDAY 02:00:00 UTC';
const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

const rangesOf = (ranges: readonly { start: unknown; end: unknown }[] | undefined): string =>
  (ranges ?? [])
    .map(({ start, end }) => (start === end ? String(start) : `${String(start)}-${String(end)}`).padStart(2, '0'))
    .join(',');

/** `SUNDAY 02:00:00 UTC`, `every 420000 ms`; whatever else people set, as JSON. */
function whenOf(spec: ScheduleDescription['spec']): string {
  const { calendars = [], intervals = [], timezone } = spec;
  const [calendar] = calendars;
  if (calendars.length === 0 && intervals.length === 1) return `every ${Number(intervals[0]?.every)} ms`;
  if (calendars.length !== 1 || intervals.length > 0 || calendar === undefined) return JSON.stringify(spec);
  const { dayOfWeek, dayOfMonth, month, hour, minute, second } = calendar;
  const isEvery = rangesOf(dayOfMonth) === '1-31' && rangesOf(month).toUpperCase() === 'JANUARY-DECEMBER';
  const days = isEvery ? rangesOf(dayOfWeek) : `${rangesOf(dayOfWeek)} of ${rangesOf(dayOfMonth)} ${rangesOf(month)}`;
  return `${days} ${rangesOf(hour)}:${rangesOf(minute)}:${rangesOf(second)} ${timezone || 'UTC'}`;
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
    workflowId: workflowIds.scheduledCycle(policy),
    taskQueue,
    args: [{ policy, ...input }],
  },
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: weekMs ?? '1 day', pauseOnFailure: false },
});
