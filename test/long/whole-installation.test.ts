import { expectEndState, expectSame, trialEndsOf } from '../../demo/scenarios/end-state.ts';
import { blindPolicy, goodPolicy } from '../../demo/scenarios/policies.ts';
import { drivenChampion } from '../../demo/scenarios/steps.ts';
import { waitUntil } from '../../demo/processes.ts';
import type { World } from '../../demo/world.ts';
import { withWorld } from './scenario-world.ts';

/** The shortest way through everything that is real: it waits for orders and confirmations, never for evidence. */
async function abortedRollout(world: World): Promise<void> {
  const champion = await drivenChampion(world, blindPolicy(), 'a poor wall follower');
  await world.collect();
  const candidate = await world.submit('on trial', goodPolicy());
  const next = await world.submit('waits for its turn', goodPolicy(0.91));
  // Robots drive as long as they live: not while models are judged.
  world.fleet.live();
  await world.everyRobotFollows();
  await world.offer(candidate, { abTest: false });
  await world.trialIs(`rolling out ${candidate}`, ({ stage }) => stage === 'rollout');
  expectSame('answer', `${next} waits for the end of ${candidate}`, await world.offer(next));
  const exposed = async (version: string): Promise<number> => {
    const { robots } = await world.reader.readFleet(world.policy);
    return robots.filter((robot) => robot.version === version).length;
  };
  await waitUntil(async () => (await exposed(candidate)) > 0, `a robot that runs ${candidate}`, 60_000, 100);
  await world.operate('abort', 'the test has seen enough');
  await world.trialIs(`rolling out ${next}`, ({ candidateVersion }) => candidateVersion === next);
  await waitUntil(async () => (await exposed(next)) > 0, `a robot that runs ${next}`, 60_000, 100);
  await world.operate('abort', 'nobody needs it any more');
  const { outcome } = await world.trialEnd();
  expectSame('end of the trial', 'aborted', outcome);
  await world.everyRobotFollows();
  expectSame('robots on the champion', world.fleet.robotIds.length, await exposed(champion));
  expectSame(
    'ends of trials and offers',
    [
      [candidate, 'aborted'],
      [next, 'aborted'],
    ],
    (await trialEndsOf(world)).map((end) => [end.candidateVersion, end.outcome]),
  );
  await expectEndState(world, {
    champion,
    champions: [champion],
    closedTrials: 2,
  });
}

describe('a whole installation with real agents', function () {
  this.timeout(600_000);

  it('aborted: an operator ends a rollout and every robot is back; the offer that waited has its turn', () =>
    withWorld(20, abortedRollout));
});
