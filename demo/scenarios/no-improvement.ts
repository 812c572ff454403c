import { expectEndState, expectSame } from './end-state.ts';
import { cautiousPolicy, goodPolicy } from './policies.ts';
import { followTrial } from '../trial.ts';
import { livingChampion } from './steps.ts';
import type { World } from '../world.ts';

/** A fleet day in 15 s: the test runs all its seven days. */
const times = { dayMs: 15_000 };

/** A candidate that drives as well as the champion proves nothing in seven fleet days, and ends without promotion. */
export async function noImprovement(world: World): Promise<void> {
  const champion = await livingChampion(world, cautiousPolicy(), 'a cautious wall follower');
  const candidate = await world.submit('drives as well, no better', goodPolicy());
  await world.offer(candidate, { times });
  const { outcome, reason, candidateVersion } = await followTrial(world, candidate);
  expectSame('end of the trial', ['rejected', candidate], [outcome, candidateVersion]);
  if (reason === '') throw new Error('expected a reason for the end without promotion, got none');
  await expectEndState(world, {
    champion,
    champions: [champion],
    closedTrials: 1,
    drivenVersions: [champion, candidate],
  });
}
