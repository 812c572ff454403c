import type { World } from '../world.ts';
import { catchBadPolicy } from './bad-policy.ts';
import { expectEndState } from './end-state.ts';
import { blindPolicy, cautiousPolicy } from './policies.ts';
import { livingChampion } from './steps.ts';

/** A policy that passes every offline gate and drives into walls: caught by the guard, every robot back. */
export async function badModel(world: World): Promise<void> {
  const champion = await livingChampion(world, cautiousPolicy(), 'a cautious wall follower');
  const bad = await catchBadPolicy(world, 'blind near walls', blindPolicy());
  await expectEndState(world, {
    champion,
    champions: [champion],
    closedTrials: 1,
    drivenVersions: [champion, bad],
  });
}
