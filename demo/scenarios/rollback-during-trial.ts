import type { RollbackResult } from '../../workflows/trial/messages.ts';
import { expectEndState, expectSame } from './end-state.ts';
import { blindPolicy, goodPolicy } from './policies.ts';
import { livingChampion, stageOf } from './steps.ts';
import type { World } from '../world.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';

/** An operator takes the fleet back in the middle of a rollout: the trial ends, everyone on the champion. */
export async function rollbackDuringTrial(world: World): Promise<void> {
  const { client, policy, taskQueue, fleet } = world;
  const champion = await livingChampion(world, blindPolicy(), 'a poor wall follower');
  const candidate = await world.submit('a good wall follower', goodPolicy());
  await world.offer(candidate, { abTest: false });
  await world.trialIs('rolling out', ({ stage }) => stage === 'rollout');
  await stageOf(world, 1);
  await world.everyRobotFollows();
  world.say('the second stage runs; an operator takes everyone back');
  const askedMs = Date.now();
  const result = (await client.workflow.execute('rollbackPolicy', {
    workflowId: workflowIds.rollbackPolicy(policy),
    taskQueue,
    args: [{ policy, reason: 'a person saw something', who: 'an operator' }],
  })) as RollbackResult;
  world.say(
    `${result.confirmed.length} robots confirmed ${((Date.now() - askedMs) / 1_000).toFixed(1)} s after the word`,
  );
  expectSame('end of the rollback', ['rolledBack', champion], [result.outcome, result.version]);
  expectSame('robots that confirmed', [...fleet.robotIds].toSorted(), [...result.confirmed].toSorted());
  expectSame('robots that did not', [[], []], [result.offline, result.failed]);
  expectSame('end of the trial', 'rolledBack', (await world.trialEnd()).outcome);
  await expectEndState(world, {
    champion,
    champions: [champion],
    closedTrials: 1,
    drivenVersions: [champion, candidate],
  });
}
