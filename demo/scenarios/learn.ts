import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { defaultRolloutLimits } from '../../domain/experiment/index.ts';
import type { CycleResult } from '../../workflows/cycle/messages.ts';
import { followTrial } from '../trial.ts';
import type { World } from '../world.ts';
import { expectSame } from './end-state.ts';

/**
 * Thirty robots prove no more in fleet days of a minute: the candidate is as good as the champion at what both know, and an equal one
 * needs thousands of episodes for the margins of a real fleet.
 */
export const margins = [0.1, 0.06, 0.04, null];
/** A rollout of a candidate that learned something more than its champion. */
export const equalTrial = {
  profile: 'compressed',
  abTest: false,
  rolloutLimits: {
    stages: defaultRolloutLimits.stages.map((stage, index) => ({
      ...stage,
      marginFraction: margins[index] ?? null,
      ...(index === 0 ? { maximumHours: 96 } : {}),
    })),
  },
};

export const percent = (fraction: number): string => `${(100 * fraction).toFixed(0)} %`;

/** A cycle from the champion on, and the rollout of its candidate where it needs one. Resolves with the new champion. */
export async function learn(world: World, what: string, request: Readonly<Record<string, unknown>>): Promise<string> {
  const { client, policy, taskQueue, seed } = world;
  world.say(`a cycle learns ${what}`);
  const { outcome, reason, candidateVersion } = (await client.workflow.execute('weeklyCycle', {
    workflowId: workflowIds.weeklyCycle(policy, `learn-${Date.now()}`),
    taskQueue,
    args: [
      {
        policy,
        training: { seed, warmStart: true },
        cause: `scenario, ${what}`,
        ...request,
      },
    ],
  })) as CycleResult;
  if (candidateVersion === undefined || (outcome !== 'offered' && outcome !== 'promoted'))
    throw new Error(`expected a candidate that is offered or promoted, got ${outcome}: ${reason}`);
  if (outcome === 'offered')
    expectSame('end of the trial', 'promoted', (await followTrial(world, candidateVersion)).outcome);
  await world.everyRobotFollows();
  return candidateVersion;
}
