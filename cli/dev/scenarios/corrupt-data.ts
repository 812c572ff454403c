import { expectEndState, expectSame } from './end-state.ts';
import { cautiousPolicy } from './policies.ts';
import { drivenChampion } from './steps.ts';
import type { World } from '../world.ts';

const episodes = 12;
const deadSensor = 13;

/** Half of the robots lose a sensor: the cycle ends as bad data and changes nothing; the next one learns from healthy robots. */
export async function corruptData(world: World): Promise<void> {
  const { fleet, context } = world;
  const champion = await drivenChampion(world, cautiousPolicy(), 'a cautious wall follower');
  const broken = fleet.robotIds.flatMap((_, position) => (position % 2 === 0 ? [position] : []));
  await fleet.drive(episodes, { quirks: [{ robots: broken, deadSensor }] });
  world.say(`the front sensor of ${broken.length} robots was dead for ${episodes} episodes each`);
  const bad = await world.cycle('bad-week');
  world.say(`${bad.outcome}: ${bad.reason}`);
  expectSame('end of the bad week', ['badData', undefined], [bad.outcome, bad.candidateVersion]);
  let refused = 0;
  for await (const { key } of context.store.list('quarantine/')) refused += key.endsWith('.json') ? 1 : 0;
  if (refused === 0) throw new Error('expected refused segments in quarantine with their reasons, got none');

  await fleet.drive(episodes);
  const good = await world.cycle('good-week');
  world.say(`${good.outcome}: ${good.reason}`);
  if (good.outcome === 'badData' || good.outcome === 'failed')
    throw new Error(`expected a cycle on healthy data, got ${good.outcome}: ${good.reason}`);
  if (good.outcome === 'offered') await world.operate('abort', 'the scenario is about data').catch(() => undefined);
  fleet.live();
  await expectEndState(world, {
    champion,
    champions: [champion],
    refusedEpisodes: broken.length * episodes,
  });
}
