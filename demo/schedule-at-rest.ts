import { ScheduleNotFoundError } from '@temporalio/client';

import { weeklyScheduleId } from '../activities/schedule-id.ts';
import type { Installation } from './installation.ts';

const owner = 'temporal-dev.sh';
/** Nobody is alarmed by the pause for so long; a scenario takes a few minutes. */
const longestStoryMs = 2 * 3_600_000;

const noteFor = (nowMs: number): string =>
  `${owner}: it runs cycles of its own, until ${new Date(nowMs + longestStoryMs).toISOString()}`;
const isOwn = (note: string | undefined): boolean => note?.startsWith(owner) === true;

/**
 * Keeps the weekly schedule from starting cycles by itself while `work` starts them. A pause that an earlier start left is taken
 * back in the end, an operator's pause stays, and so does an operator's word that there is no schedule.
 */
export async function withScheduleAtRest<T>({ client, policy, say }: Installation, work: () => Promise<T>): Promise<T> {
  const schedule = client.schedule.getHandle(weeklyScheduleId(policy));
  const stateNow = async (): Promise<{ paused: boolean; note?: string } | undefined> => {
    try {
      return (await schedule.describe()).state;
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return undefined;
      throw error;
    }
  };
  const before = await stateNow();
  if (before === undefined || (before.paused && !isOwn(before.note))) return work();
  await schedule.pause(noteFor(Date.now()));
  try {
    return await work();
  } finally {
    const after = await stateNow();
    if (after === undefined) say(`The schedule ${weeklyScheduleId(policy)} is gone: no cycle starts by itself.`);
    else if (after.paused && !isOwn(after.note))
      say(`The weekly schedule is paused: ${after.note ?? 'no reason given'}.`);
    else await schedule.unpause('every week by itself');
  }
}
