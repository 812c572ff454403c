import { weeklyScheduleId } from '../schedule.ts';
import type { Installation } from './installation.ts';

const note = 'temporal-dev.sh runs its cycles now';

/**
 * Keeps the weekly schedule from starting cycles by itself while `work` starts them. A pause that an earlier start left is taken
 * back in the end, an operator's pause stays.
 */
export async function withScheduleAtRest<T>({ client, policy }: Installation, work: () => Promise<T>): Promise<T> {
  const schedule = client.schedule.getHandle(weeklyScheduleId(policy));
  const { state } = await schedule.describe();
  if (state.paused && state.note !== note) return work();
  await schedule.pause(note);
  try {
    return await work();
  } finally {
    await schedule.unpause('every week by itself');
  }
}
