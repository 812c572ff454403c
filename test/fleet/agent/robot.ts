import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { onnxPolicyRuntime } from '../../../fleet/agent/adapters/onnx-runtime.ts';
import { openAgent, type Agent, type AgentLimits, type AgentOptions } from '../../../fleet/agent/index.ts';

export const quickLimits: Partial<AgentLimits> = {
  tickMs: 20,
  syncIntervalMs: 50,
  onlineEveryMs: 60_000,
  requestTimeoutMs: 5_000,
  safeStopTimeoutMs: 300,
  backOff: { firstMs: 20, longestMs: 100 },
  heartbeatEveryMs: 50,
  longPollMs: 100,
  // A busy machine is no hanging model.
  decideTimeoutMs: 60_000,
};

export const robotId = 'robot-1';
export const token = 'token-1';

/** An agent with everything a test does not care about. */
export const openRobot = (
  options: Pick<AgentOptions, 'gatewayUrl' | 'directory'> & Partial<AgentOptions>,
): Promise<Agent> =>
  openAgent({
    robotId,
    token,
    robotType: scitosG5Type,
    clock: Date.now,
    monotonic: () => performance.now(),
    runtime: onnxPolicyRuntime(),
    random: () => 0.5,
    ...options,
    limits: { ...quickLimits, ...options.limits },
  });

/** A plausible frame: no sensor stands still. */
export const frameAt = (index: number, action = index % 4) => ({
  observation: Array.from({ length: 24 }, (_, sensor) => 1 + ((index * 7 + sensor * 3) % 30) / 10),
  action: [action],
  latencyMs: 1 + (index % 5),
});

export interface EpisodeOptions {
  readonly frames?: number;
  readonly outcome?: 'success' | 'failure' | 'aborted';
  readonly corrections?: number;
  readonly startUs?: number;
}

/** Records one episode with the frame times of a 9 Hz robot, without waiting for them. */
export async function recordEpisode(
  agent: Agent,
  { frames = 12, outcome = 'success', corrections = 0, startUs = Date.now() * 1000 }: EpisodeOptions = {},
): Promise<void> {
  for (let index = 0; index < frames; index++) {
    const frame = { ...frameAt(index), atUs: startUs + Math.round((index * 1e6) / 9) };
    if (index < corrections) agent.correct(frame, [(index + 1) % 4]);
    else agent.record(frame);
  }
  const atUs = startUs + Math.round((frames * 1e6) / 9);
  await agent.endEpisode(outcome, outcome === 'success' ? { atUs } : { reason: 'lost the wall', atUs });
}

export async function temporaryDirectory(): Promise<{ directory: string; remove: () => Promise<void> }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-agent-'));
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

/** A busy machine is no failure: a shorter limit would only tell how busy. */
const leastPatienceMs = 60_000;

/** Resolves when the condition holds; throws with the question after the limit, which is a minute at least. */
export async function until(
  question: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = leastPatienceMs,
): Promise<void> {
  const patienceMs = Math.max(limitMs, leastPatienceMs);
  const untilMs = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > untilMs) throw new Error(`still not after ${patienceMs} ms: ${question}`);
    await sleep(10);
  }
}
