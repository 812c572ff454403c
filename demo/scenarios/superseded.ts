import { expectEndState, expectSame, trialEndsOf } from './end-state.ts';
import { blindPolicy, cautiousPolicy, goodPolicy } from './policies.ts';
import { expectBackSoon, livingChampion, watchReturn } from './steps.ts';
import type { World } from '../world.ts';

/**
 * Two newer candidates are offered while one is on trial: the newest one waits, the one it replaces is recorded as superseded
 * and never runs, and the one that runs is not disturbed. Then the newest has its turn, and an operator ends it.
 */
export async function superseded(world: World): Promise<void> {
  const champion = await livingChampion(world, cautiousPolicy(), 'a cautious wall follower');
  const running = await world.submit('on trial', blindPolicy());
  const replaced = await world.submit('waits, then replaced', goodPolicy());
  const newest = await world.submit('the newest', goodPolicy(0.91));
  await world.offer(running);
  await world.trialIs(`testing ${running}`, ({ stage }) => stage === 'abTest');
  expectSame('answer', `${replaced} waits for the end of ${running}`, await world.offer(replaced));
  const answer = await world.offer(newest);
  expectSame('answer', `${newest} waits for the end of ${running}; ${replaced}, which waited, is superseded`, answer);
  const { candidateVersion } = await world.trial();
  expectSame('candidate on trial', running, candidateVersion);

  const { backMs } = await watchReturn(world);
  expectBackSoon(backMs);
  world.say(`${running} was taken back within ${(backMs / 1_000).toFixed(1)} s`);
  await world.trialIs(
    `testing ${newest}`,
    ({ candidateVersion: now, stage, step }) => now === newest && stage === 'abTest' && step?.kind === 'watching',
  );
  const { robots } = await world.reader.readFleet(world.policy);
  const orders = await world.reader.readOrders(world.policy);
  const exposed = robots.filter(({ robotId }) => orders?.(robotId)?.version === newest).length;
  world.say(`${newest} is on trial on ${exposed} robots; an operator ends it`);
  if (exposed === 0) throw new Error(`expected robots on ${newest}, got none`);
  await world.everyRobotFollows();
  await world.operate('abort', 'the scenario has seen enough');
  const { outcome } = await world.trialEnd();
  expectSame('end of the trial', 'aborted', outcome);

  expectSame(
    'ends of trials and offers',
    [
      [running, 'harmful'],
      [replaced, 'superseded'],
      [newest, 'aborted'],
    ],
    (await trialEndsOf(world)).map((end) => [end.candidateVersion, end.outcome]),
  );
  await expectEndState(world, {
    champion,
    champions: [champion],
    closedTrials: 2,
    drivenVersions: [champion, running, newest],
  });
}
