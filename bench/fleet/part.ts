import { z } from 'zod';

import { onnxRuntime } from '../../activities/adapters/onnx-runtime.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { parseScenario } from '../../fleet/simulator/scenario.ts';
import { simulateFleet } from '../../fleet/simulator/simulate-fleet.ts';

/** What one process of a measured fleet simulates. */
export const partSchema = z.strictObject({
  robots: z.array(z.strictObject({ robotId: z.string(), token: z.string() })),
  directory: z.string(),
  gatewayUrl: z.string(),
  root: z.string(),
  episodesPerRobot: z.int(),
  framesPerEpisode: z.int(),
  seed: z.int(),
});
export type FleetPart = z.infer<typeof partSchema>;

export interface PartResult {
  readonly endedEpisodes: number;
  readonly waiting: number;
  readonly totalMs: number;
  readonly cpuMs: number;
}

/** Simulates a part of the fleet as fast as it can, uploads included. */
export async function simulatePart(part: FleetPart): Promise<PartResult> {
  const cpuAtStart = process.cpuUsage();
  const scenario = parseScenario({ framesPerEpisode: part.framesPerEpisode });
  const result = await simulateFleet({
    robots: part.robots,
    directory: part.directory,
    scenario: () => scenario,
    seed: part.seed,
    episodesPerRobot: part.episodesPerRobot,
    isRealTime: false,
    runtime: onnxRuntime(),
    drainMs: 300_000,
    agent: {
      gatewayUrl: part.gatewayUrl,
      robotType: scitosG5Type,
      root: part.root,
      clock: Date.now,
      monotonic: () => performance.now(),
      fetch: (url, init) => fetch(url, init),
      log: () => undefined,
    },
  });
  const cpu = process.cpuUsage(cpuAtStart);
  return {
    endedEpisodes: result.endedEpisodes,
    waiting: result.waitingSegments + result.waitingTelemetry,
    totalMs: result.totalMs,
    cpuMs: (cpu.user + cpu.system) / 1_000,
  };
}
