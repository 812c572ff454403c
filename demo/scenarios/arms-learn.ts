import { setTimeout as sleep } from 'node:timers/promises';

import { readTelemetry } from '../../fleet/desk/index.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import type { World } from '../world.ts';
import { expectPromoted } from './end-state.ts';
import { learn, percent } from './learn.ts';

/** Somebody drives every second of the first episodes, so that a policy learns where a good one comes by; in the others it learns to come back. */
const taughtFraction = 0.5;
/** An answer holds the next four actions; eight are learned. */
const chunk = { horizon: 8, execute: 4 };
const fewest = 20;

/** What a fleet of arms learns, and from how much. */
interface ArmCourse {
  readonly what: string;
  /**
   * Of all arms together, before the cycle. The draw of the day decides how many arms there are; every task is to have enough held-out
   * episodes to judge by.
   */
  readonly episodes: number;
  /** Of the cycle. */
  readonly training: Readonly<Record<string, unknown>>;
  readonly trial: Readonly<Record<string, unknown>>;
  /** How often an arm begins an episode while the cycle learns. Default: as always. */
  readonly learningSeconds?: number;
  /** By how much the policy that learned succeeds more often than the one that did not. */
  readonly leastGain: number;
}

/** What a version's own episodes came to. */
interface Driven {
  readonly version: string;
  readonly episodes: number;
  readonly successes: number;
  /** Episodes in which the agent decoded images to decide by. */
  readonly seeing: number;
}

/**
 * Arms whose robots are programs in Python. A first policy knows nothing, and somebody who watches corrects what it does; a cycle learns
 * chunks of continuous actions from that, and its candidate is tried and promoted. Where the fleet is small, a person lets each stage begin. Then it
 * succeeds more often. Resolves with what both versions drove.
 */
export async function armsLearn(
  world: World,
  { what, episodes, training, trial, learningSeconds, leastGain }: ArmCourse,
): Promise<{ readonly before: Driven; readonly after: Driven }> {
  const { fleet, robotType, seed, say } = world;
  const first = await world.baseline(tinyPolicy(robotType, seed), 'untrained, moves somehow: something to start from');
  const each = Math.ceil(episodes / fleet.robotIds.length);
  say(`${fleet.robotIds.length} arms bring ${each} episodes each; the expert drives half of them`);
  await fleet.drive(each, { taughtFraction });
  const sinceMs = Date.now();
  fleet.live(learningSeconds === undefined ? {} : { episodeSeconds: learningSeconds });
  await world.everyRobotFollows();
  const request = { training: { seed, ...chunk, ...training }, trial };
  const learned = await attended(world, () => learn(world, what, request));
  await expectPromoted(world, learned);
  say(`${learned} is promoted`);
  const before = await drivenBy(world, first, sinceMs);
  const after = await drivenBy(world, learned, sinceMs);
  if (!(successOf(after) >= successOf(before) + leastGain))
    throw new Error(
      `expected ${learned} to succeed more often than ${first}, got ${percent(successOf(after))} and ${percent(successOf(before))}`,
    );
  return { before, after };
}

const successOf = ({ successes, episodes }: Driven): number => successes / episodes;

/** While something is waited for: the arms live at their usual pace once there is a trial, and a person lets every stage begin that asks. */
async function attended<T>(world: World, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  let isTrying = false;
  const person = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const status = await world.trial().catch(() => undefined);
      if (status !== undefined && !isTrying) world.fleet.trouble({});
      isTrying ||= status !== undefined;
      // The stage may have begun meanwhile: then there is nothing to approve.
      if (status?.step?.kind === 'awaitingApproval')
        await world.operate('approve', 'seen at the arms, nothing breaks').catch(() => undefined);
      await sleep(1_000);
    }
  };
  const attending = person();
  try {
    return await work();
  } finally {
    over.abort();
    await attending;
  }
}

/** What the fleet told of a version since then, once it is enough to say something; said by task. */
async function drivenBy({ context, policy, say }: World, version: string, startedMs: number): Promise<Driven> {
  let driven: Driven = { version, episodes: 0, successes: 0, seeing: 0 };
  for (const patienceMs = Date.now() + 120_000; Date.now() < patienceMs; await sleep(2_000)) {
    const tasks = new Map<string, { readonly episodes: number; readonly successes: number }>();
    driven = { version, episodes: 0, successes: 0, seeing: 0 };
    for await (const { entry } of readTelemetry(context.store, policy, startedMs, Date.now() + 1)) {
      if (entry.kind !== 'episode' || entry.policyVersion !== version || entry.outcome === 'aborted') continue;
      const success = entry.outcome === 'success' ? 1 : 0;
      const { episodes, successes } = tasks.get(entry.task) ?? { episodes: 0, successes: 0 };
      tasks.set(entry.task, { episodes: episodes + 1, successes: successes + success });
      driven = {
        version,
        episodes: driven.episodes + 1,
        successes: driven.successes + success,
        seeing: driven.seeing + (entry.latencyParts === undefined ? 0 : 1),
      };
    }
    if (driven.episodes < fewest) continue;
    const byTask = [...tasks].map(([task, each]) => `${task} in ${each.successes} of ${each.episodes} episodes`);
    say(`  ${version} succeeds at ${byTask.toSorted().join(', at ')}`);
    return driven;
  }
  throw new Error(`expected at least ${fewest} episodes of ${version}, got ${driven.episodes}`);
}
