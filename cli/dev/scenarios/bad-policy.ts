import type { World } from '../world.ts';
import { expectSame } from './end-state.ts';
import { watchReturn } from './steps.ts';

const returnLimitMs = 60_000;

/**
 * Submits a policy that is bad on purpose but passes every offline gate, and watches how it is caught on the fleet: every robot
 * back within a minute of the alarm. Resolves with its version.
 */
export async function catchBadPolicy(world: World, name: string, model: Uint8Array): Promise<string> {
  const bad = await world.submit(name, model);
  world.say(`${bad}, ${name}, passed every offline gate`);
  const offeredMs = Date.now();
  await world.offer(bad);
  const { alarmMs, backMs } = await watchReturn(world, offeredMs);
  const { outcome, reason, candidateVersion } = await world.trialEnd();
  world.say(`alarm ${((alarmMs - offeredMs) / 1_000).toFixed(1)} s after the offer: ${outcome}: ${reason}`);
  world.say(`last robot back ${(backMs / 1_000).toFixed(1)} s after the alarm`);
  expectSame('candidate of the trial', bad, candidateVersion);
  // A task's net is read by guard and A/B test alike: whose next tick or look comes first is chance.
  const isTaskBlock = outcome === 'blocked' && reason.includes('proven harm in task');
  if (!isTaskBlock) expectSame('end of the trial', 'rolledBack', outcome);
  if (backMs > returnLimitMs) throw new Error(`expected every robot back within 60 s of the alarm, got ${backMs} ms`);
  return bad;
}
