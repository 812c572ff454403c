import { expectEndState, expectSame } from './end-state.ts';
import { blindPolicy, cautiousPolicy } from './policies.ts';
import { livingChampion, watchReturn } from './steps.ts';
import type { World } from './world.ts';

/** A policy that passes every offline gate and drives into walls: caught by the guard, every robot back. */
export async function badModel(world: World): Promise<void> {
  const champion = await livingChampion(world, cautiousPolicy(), 'a cautious wall follower');
  const bad = await world.submit('blind near walls', blindPolicy());
  world.say(`${bad} passed every offline gate`);
  const offeredMs = Date.now();
  await world.offer(bad);
  const { alarmMs, backMs } = await watchReturn(world);
  const { outcome, reason } = await world.trialEnd();
  world.say(`alarm ${((alarmMs - offeredMs) / 1_000).toFixed(1)} s after the offer: ${outcome}: ${reason}`);
  world.say(`last robot back ${(backMs / 1_000).toFixed(1)} s after the alarm`);
  expectSame('end of the trial', 'rolledBack', outcome);
  if (backMs > 60_000) throw new Error(`expected every robot back within 60 s of the alarm, got ${backMs} ms`);
  await expectEndState(world, {
    champion,
    champions: [champion],
    closedTrials: 1,
    drivenVersions: [champion, bad],
  });
}
