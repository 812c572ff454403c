import { setTimeout as sleep } from 'node:timers/promises';

import { fleetProfiles } from '../../domain/trial/index.ts';
import { waitUntil } from '../processes.ts';
import { assignmentsOf, expectEndState, expectSame } from './end-state.ts';
import { blindPolicy, cautiousPolicy } from './policies.ts';
import { livingChampion, watchReturn } from './steps.ts';
import type { World } from '../world.ts';

const { leaseMs } = fleetProfiles.compressed;

/**
 * The server is killed while a bad candidate is exposed and comes back after the lease: meanwhile every robot is on the champion by
 * itself. Afterwards the trial goes on, with the evidence it had, and the guard takes the candidate back.
 */
export async function orchestratorDown(world: World): Promise<void> {
  const { server } = world;
  if (server === undefined) throw new Error('expected a server of its own, got a shared one');
  const champion = await livingChampion(world, cautiousPolicy(), 'a cautious wall follower');
  const bad = await world.submit('blind near walls', blindPolicy());
  await world.offer(bad);
  const running = async (version: string): Promise<number> =>
    (await world.reader.readFleet(world.policy)).robots.filter((robot) => robot.version === version).length;
  await waitUntil(async () => (await running(bad)) > 0, `a robot that runs ${bad}`, 60_000, 100);
  await server.kill();
  const killedMs = Date.now();
  const exposedRobots = await running(bad);
  world.say(`server killed; ${exposedRobots} robots run ${bad}, and nobody judges it`);
  await waitUntil(async () => (await running(bad)) === 0, `no robot that runs ${bad}`, 2 * leaseMs, 200);
  const alone = Date.now() - killedMs;
  world.say(`every robot is back on ${champion} by itself ${(alone / 1_000).toFixed(1)} s after the death`);
  if (alone > leaseMs + 15_000)
    throw new Error(`expected all back soon after the lease of ${leaseMs} ms, got ${alone} ms`);
  const before = (await assignmentsOf(world)).length;
  await sleep(2_000);
  expectSame('assignments written without a server', before, (await assignmentsOf(world)).length);
  expectSame('robots on the champion', world.fleet.robotIds.length, await running(champion));

  await server.start();
  world.say('the server is back; the trial goes on');
  const { backMs } = await watchReturn(world);
  const { outcome, reason } = await world.trialEnd();
  world.say(`${outcome}: ${reason}; last robot back ${(backMs / 1_000).toFixed(1)} s after the alarm`);
  expectSame('end of the trial', 'rolledBack', outcome);
  await expectEndState(world, {
    champion,
    champions: [champion],
    closedTrials: 1,
    drivenVersions: [champion, bad],
  });
}
