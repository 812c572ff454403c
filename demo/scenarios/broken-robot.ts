import { defaultRolloutLimits } from '../../domain/experiment/index.ts';
import { readRobots, releaseRobot } from '../../fleet/desk/index.ts';
import { waitUntil } from '../processes.ts';
import { followTrial } from '../trial.ts';
import type { World } from '../world.ts';
import { expectEndState, expectSame } from './end-state.ts';
import { cautiousPolicy, goodPolicy } from './policies.ts';
import { knownChampion, stageOf } from './steps.ts';

/** Forty episodes a day prove a wider margin than a thousand; the alarms are as ever. */
const stages = defaultRolloutLimits.stages.map((stage) => ({
  ...stage,
  marginFraction: stage.marginFraction === null ? null : 0.05,
}));

/** The sensors of a robot that hit something: every reading is off by up to metres. */
const brokenNoiseM = 1.5;

/**
 * One robot of the first stage breaks while it runs a good candidate: that robot alone goes back to the champion and into
 * quarantine, the rollout goes on and is promoted. It keeps the version that it went back to, until it is released.
 */
export async function brokenRobot(world: World): Promise<void> {
  const champion = await knownChampion(world, cautiousPolicy(), 'a cautious wall follower');
  const candidate = await world.submit('a good wall follower', goodPolicy());
  await world.offer(candidate, { abTest: false, rolloutLimits: { stages } });
  await stageOf(world, 0);
  await world.everyRobotFollows();
  const orderedOf = async (robotId: string) => (await world.reader.readOrders(world.policy))?.(robotId)?.version;
  const orders = await world.reader.readOrders(world.policy);
  const position = world.fleet.robotIds.findIndex((robotId) => orders?.(robotId)?.version === candidate);
  const broken = world.fleet.robotIds[position];
  if (broken === undefined) throw new Error(`expected a robot on ${candidate}, got none`);
  world.say(`${broken}, one of the first robots on ${candidate}, breaks: its sensors say anything`);
  world.fleet.trouble({ quirks: [{ robots: [position], noiseM: brokenNoiseM }] });
  await waitUntil(
    async () => (await readRobots(world.context.store)).get(broken)?.isQuarantined === true,
    `${broken} in quarantine`,
    120_000,
  );
  world.say(`${broken} is in quarantine; a person repairs it, the rollout goes on`);
  world.fleet.trouble({});
  const { outcome, faultyRobots } = await followTrial(world, candidate);
  expectSame('end of the trial', ['promoted', [broken]], [outcome, faultyRobots]);
  expectSame(`order of ${broken}, which is in quarantine`, champion, await orderedOf(broken));
  await releaseRobot(world.context, { robotId: broken, who: 'a mechanic', why: 'its sensors are new' });
  await waitUntil(
    async () => (await orderedOf(broken)) === candidate,
    `an order of ${candidate} for ${broken}`,
    60_000,
  );
  world.say(`${broken} is released, and gets what all robots run`);
  await expectEndState(world, {
    champion: candidate,
    champions: [champion, candidate],
    closedTrials: 1,
    drivenVersions: [champion, candidate],
  });
}
