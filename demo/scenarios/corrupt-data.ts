import { expectEndState, expectSame, rulesOfRefused } from './end-state.ts';
import { cautiousPolicy } from './policies.ts';
import { drivenChampion, incidentsAre } from './steps.ts';
import type { World } from '../world.ts';

const episodes = 12;
const deadSensor = 13;

/**
 * Half of the robots lose a sensor in the middle of a week: its cycle ends as bad data and changes nothing. In the next week one of them
 * is not repaired yet: it is left out, and the cycle learns from the others. The monitor tells of both.
 */
export async function corruptData(world: World): Promise<void> {
  const { fleet } = world;
  const champion = await drivenChampion(world, cautiousPolicy(), 'a cautious wall follower');
  const broken = fleet.robotIds.flatMap((_, position) => (position % 2 === 0 ? [position] : []));
  await fleet.drive(episodes, { quirks: [{ robots: broken, deadSensor }] });
  world.say(`the front sensor of ${broken.length} robots was dead for ${episodes} episodes each`);
  const bad = await world.cycle('bad-week');
  world.say(`${bad.outcome}: ${bad.reason}`);
  expectSame('end of the bad week', ['badData', undefined], [bad.outcome, bad.candidateVersion]);
  expectSame('episodes in quarantine', broken.length * episodes, (await rulesOfRefused(world)).size);
  await incidentsAre(world, 'badData', ['fleet']);
  world.say('the monitor has an incident of it');

  const [unrepaired = 0] = broken;
  await fleet.drive(episodes, { quirks: [{ robots: [unrepaired], deadSensor }] });
  const good = await world.cycle('good-week');
  world.say(`${good.outcome}: ${good.reason}`);
  if (good.outcome === 'badData' || good.outcome === 'failed')
    throw new Error(`expected a cycle on nearly healthy data, got ${good.outcome}: ${good.reason}`);
  await incidentsAre(world, 'badData', []);
  const leftOut = fleet.robotIds[unrepaired] ?? '';
  await incidentsAre(world, 'leftOut', [leftOut]);
  world.say(`the monitor has closed that incident, and opened one of ${leftOut}, of which everything was refused`);
  if (good.outcome === 'offered') await world.operate('abort', 'the scenario is about data').catch(() => undefined);
  fleet.live();
  await expectEndState(world, {
    champion,
    champions: [champion],
    refusedEpisodes: (broken.length + 1) * episodes,
  });
}
