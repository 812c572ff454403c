import { setTimeout as sleep } from 'node:timers/promises';

import { fleetClock, fleetProfiles } from '../../domain/trial/index.ts';
import { waitUntil } from '../processes.ts';
import { followTrial } from '../trial.ts';
import type { World } from '../world.ts';
import { expectEndState, expectSame } from './end-state.ts';
import { goodPolicy, middlingPolicy } from './policies.ts';
import { knownChampion, stageOf } from './steps.ts';

const clock = fleetClock(fleetProfiles.compressed);
/** Four fleet hours, and as long as it takes here until a robot counts as silent. */
const offlineMs = clock.realMs(4) + fleetProfiles.compressed.missingAfterMs;
const gatewayDownMs = clock.realMs(20 / 60);
const stages = [0, 1, 2, 3];
const holdLimitMs = 30_000;
/** As the guard says it when candidates and champions are silent alike. */
const silent = 'silent: the network, not the candidate';

/**
 * In each stage of a rollout every robot is offline for four fleet hours, and the gateway is down for twenty fleet minutes: the
 * stage holds and nobody is alarmed, what robots recorded comes later, and the candidate is promoted.
 */
export async function offlineRobots(world: World): Promise<void> {
  const champion = await knownChampion(world, middlingPolicy(), 'a middling wall follower');
  const candidate = await world.submit('a good wall follower', goodPolicy());
  await world.offer(candidate, { abTest: false });
  for (const stage of stages) {
    await stageOf(world, stage);
    await world.everyRobotFollows();
    world.fleet.trouble({ faults: [{ kind: 'offline', robots: 'all' }] });
    world.say(`stage ${stage}: every robot is offline for ${offlineMs / 1_000} s`);
    const [held] = await Promise.all([holdOf(world, stage), sleep(offlineMs)]);
    world.say(`  held: ${held}`);
    world.fleet.trouble({});
    await world.everyRobotFollows();
    await world.fleet.killGateway();
    await sleep(gatewayDownMs);
    await world.fleet.startGateway();
    world.say(`  robots are back; the gateway was down for ${(gatewayDownMs / 1_000).toFixed(1)} s and is back too`);
  }
  const { outcome, faultyRobots } = await followTrial(world, candidate);
  expectSame('end of the trial', ['promoted', []], [outcome, faultyRobots]);
  await expectEndState(world, {
    champion: candidate,
    champions: [champion, candidate],
    closedTrials: 1,
    drivenVersions: [champion, candidate],
  });
}

/** The reason for which the guard holds the stage while nobody is heard of. */
async function holdOf(world: World, stage: number): Promise<string> {
  let reason = '';
  await waitUntil(
    async () => {
      const status = await world.rollout();
      expectSame('stage', stage, status?.state?.stage);
      const { verdict, reason: why = '' } = status?.tick ?? {};
      if (verdict === 'hold' && why.includes(silent)) reason = why;
      return reason !== '';
    },
    `stage ${stage} to hold`,
    holdLimitMs,
  );
  return reason;
}
