import { setTimeout as sleep } from 'node:timers/promises';

import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { readTelemetry } from '../../fleet/desk/index.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import type { CycleResult } from '../../workflows/cycle/messages.ts';
import { followTrial } from '../trial.ts';
import type { World } from '../world.ts';
import { expectEndState, expectSame } from './end-state.ts';
import { compressedCycle } from './flywheel.ts';
import { percent } from './learn.ts';

/** A fleet day takes two minutes, with twenty-four episodes of each arm: physics, agents and workers share the machine. */
export const armPace = { dayMs: 120_000, episodeSeconds: 5 } as const;
/** A robot brings so many before the cycle, half of them of each task. */
const episodesPerRobot = 40;
/** Somebody drives every second of them, so that a policy learns where a good one comes by; in the others it learns to come back. */
const taughtFraction = 0.5;
/** An answer holds the next four actions; eight are learned. */
const chunk = { horizon: 8, execute: 4 };
const hyperparameters = { maxSteps: 5000, evaluateEverySteps: 250 };
/** The cycle searches: of four trials half are stopped twice. */
const search = { trials: 4, reduction: 2, budgetTrainings: 1 };
/** By how much a policy that learned succeeds more often than one that did not. */
const leastGain = 0.3;
const fewest = 20;

/**
 * Arms whose robots are programs in Python. A first policy knows nothing, and somebody who watches corrects what it does; a cycle learns
 * chunks of continuous actions from that. The fleet is small, so a person lets each stage begin. Then it succeeds more often.
 */
export async function armLearns(world: World): Promise<void> {
  const { fleet, robotType, seed, say } = world;
  const first = await world.baseline(tinyPolicy(robotType, seed), 'untrained, moves somehow: something to start from');
  await fleet.drive(episodesPerRobot, { taughtFraction });
  const sinceMs = Date.now();
  fleet.live();
  await world.everyRobotFollows();
  const learned = await cycle(world);
  expectSame('end of the trial', 'promoted', (await approving(world, () => followTrial(world, learned))).outcome);
  await world.everyRobotFollows();
  const [before, after] = [await successOf(world, first, sinceMs), await successOf(world, learned, sinceMs)];
  say(`success of ${first} ${percent(before)}, of ${learned} ${percent(after)}`);
  if (!(after >= before + leastGain))
    throw new Error(
      `expected ${learned} to succeed more often than ${first}, got ${percent(after)} and ${percent(before)}`,
    );
  await expectEndState(world, { champion: learned, champions: [first, learned] });
}

/** A cycle whose candidate is offered; resolves with it. */
async function cycle({ client, policy, taskQueue, seed, say }: World): Promise<string> {
  say('a cycle learns to reach and to push');
  const { trial } = compressedCycle(seed);
  const { outcome, reason, candidateVersion } = (await client.workflow.execute('weeklyCycle', {
    workflowId: workflowIds.weeklyCycle(policy, `arm-${Date.now()}`),
    taskQueue,
    args: [
      {
        policy,
        training: { seed, hyperparameters, search, ...chunk },
        trial: { ...trial, abTest: false, times: { dayMs: armPace.dayMs } },
        cause: 'scenario, arms',
      },
    ],
  })) as CycleResult;
  if (candidateVersion === undefined || outcome !== 'offered')
    throw new Error(`expected a candidate that is offered, got ${outcome}: ${reason}`);
  return candidateVersion;
}

/** A person who lets every stage begin that asks, while something else is waited for. */
async function approving<T>(world: World, follow: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const person = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const { step } = await world.trial();
      // The stage may have begun meanwhile: then there is nothing to approve.
      if (step?.kind === 'awaitingApproval')
        await world.operate('approve', 'seen at the arms, nothing breaks').catch(() => undefined);
      await sleep(1_000);
    }
  };
  const approved = person();
  try {
    return await follow();
  } finally {
    over.abort();
    await approved;
  }
}

/** Of the episodes that the fleet told of a version since then. */
async function successOf({ context, policy }: World, version: string, startedMs: number): Promise<number> {
  const counts = { episodes: 0, successes: 0 };
  for (const patienceMs = Date.now() + 120_000; Date.now() < patienceMs; await sleep(2_000)) {
    [counts.episodes, counts.successes] = [0, 0];
    for await (const { entry } of readTelemetry(context.store, policy, startedMs, Date.now() + 1)) {
      if (entry.kind !== 'episode' || entry.policyVersion !== version || entry.outcome === 'aborted') continue;
      counts.episodes += 1;
      counts.successes += entry.outcome === 'success' ? 1 : 0;
    }
    if (counts.episodes >= fewest) return counts.successes / counts.episodes;
  }
  throw new Error(`expected at least ${fewest} episodes of ${version}, got ${counts.episodes}`);
}
