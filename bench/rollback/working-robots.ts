import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import { onnxRuntime } from '../../activities/adapters/onnx-runtime.ts';
import { inParallel } from '../../store/in-parallel.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { openAgent, type Agent } from '../../fleet/agent/index.ts';
import { batchingRuntime } from '../../fleet/simulator/batching-runtime.ts';
import { randomStream, type RandomStream } from '../../policies/random.ts';

export const workSchema = z.strictObject({
  robots: z.array(z.strictObject({ robotId: z.string(), token: z.string() })),
  directory: z.string(),
  gatewayUrl: z.string(),
  root: z.string(),
  seed: z.int(),
});
export type Work = z.infer<typeof workSchema>;

/** Robots by the version they run and act by; `none` for those without one. */
export type Running = Readonly<Record<string, number>>;

export interface WorkingRobots {
  running(): Running;
  close(): Promise<void>;
}

const openAtOnce = 20;
/** Episodes last 60 to 120 s of real time, and are always under way when an order comes. */
const episodeMs = { least: 60_000, spread: 60_000 };
const frameEveryMs = 5_000;
/** How long a robot takes to stand still. */
const brakingMs = 300;

/** Real agents of robots that are always in the middle of a long episode, all in this process. */
export async function workingRobots(work: Work): Promise<WorkingRobots> {
  const runtime = batchingRuntime(onnxRuntime());
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  const agents = await inParallel([...work.robots.entries()], openAtOnce, async ([position, { robotId, token }]) => {
    const random = randomStream(work.seed, `robot ${position}`);
    return openAgent({
      robotId,
      token,
      gatewayUrl: work.gatewayUrl,
      directory: `${work.directory}/${robotId}`,
      robotType: scitosG5Type,
      root: work.root,
      clock: Date.now,
      monotonic: () => performance.now(),
      runtime,
      random,
      fetch: (url, init) => fetch(url, init),
      onSafeStop: () => sleep(brakingMs),
      // One call of the model for all robots of this process, beside everything else it does.
      limits: { decideTimeoutMs: 600_000, loadTimeoutMs: 600_000 },
    });
  });
  const lives = agents.map((agent, position) =>
    live(agent, randomStream(work.seed, `life ${position}`), leaving.signal),
  );
  return {
    running: () => {
      const counts: Record<string, number> = {};
      for (const agent of agents) {
        const version = agent.policy()?.version ?? 'none';
        counts[version] = (counts[version] ?? 0) + 1;
      }
      return counts;
    },
    async close() {
      leaving.abort();
      await Promise.all(lives);
      await Promise.all(agents.map((agent) => agent.close()));
    },
  };
}

async function live(agent: Agent, random: RandomStream, leaving: AbortSignal): Promise<void> {
  const observation = new Float32Array(scitosG5Type.observations.length);
  const pause = (timeMs: number): Promise<unknown> =>
    sleep(timeMs, undefined, { signal: leaving }).catch(() => undefined);
  await pause(random() * frameEveryMs);
  while (!leaving.aborted) {
    const policy = agent.policy();
    if (policy === undefined) {
      await pause(1_000);
      continue;
    }
    agent.beginEpisode();
    const endMs = performance.now() + episodeMs.least + random() * episodeMs.spread;
    while (performance.now() < endMs && !leaving.aborted && agent.policy()?.version === policy.version) {
      observation.forEach((_, sensor) => (observation[sensor] = 0.5 + 4 * random()));
      const { action, latencyMs } = await policy.decide(observation);
      agent.record({ observation, action, latencyMs });
      await pause(frameEveryMs);
    }
    await agent.endEpisode('success');
  }
}
