import { join } from 'node:path';

import { scitosG5Type } from '../datasets/built-in-robot-types.ts';
import { tinyPolicy } from '../policies/tiny-policy.ts';
import { openFleet, type OpenFleet } from './fleet/open-fleet.ts';
import type { FleetPart, PartResult } from './fleet/part.ts';
import { inProcess } from './in-process.ts';

export interface SimulatorOptions {
  readonly seed: number;
  readonly robots?: number;
  readonly episodesPerRobot?: number;
  /** Processes that share the robots; one a core. */
  readonly processes?: number;
  readonly runs?: number;
  readonly progress: (line: string) => void;
}

export interface SimulatorResult {
  readonly leg: 'simulator';
  readonly robots: number;
  readonly framesPerEpisode: number;
  /** Median of the runs. */
  readonly episodesPerSecond: number;
  readonly runs: readonly { readonly episodesPerSecond: number; readonly cpuMsPerEpisode: number }[];
}

const framesPerEpisode = 20;

/**
 * How fast a fleet of simulated robots lives in `rooms`: physics, policy, real agents that record, make segments and upload
 * to a real gateway on the same machine. Time counts from the first frame
 * until the slowest process has uploaded everything; `cpuMsPerEpisode` is all that its
 * processes took, start and uploads included, the gateway not.
 */
export async function measureSimulator(options: SimulatorOptions): Promise<SimulatorResult> {
  const { seed, robots = 100, episodesPerRobot = 100, processes = 2, runs = 3, progress } = options;
  const measured: { episodesPerSecond: number; cpuMsPerEpisode: number }[] = [];
  for (let run = 0; run < runs; run += 1) {
    const fleet = await openFleet(robots, tinyPolicy(scitosG5Type, seed));
    try {
      const results = await simulateParts(fleet, { processes, episodesPerRobot, seed });
      const sum = (of: (result: PartResult) => number): number =>
        results.reduce((total, result) => total + of(result), 0);
      const waiting = sum((result) => result.waiting);
      if (waiting > 0)
        throw new Error(`expected everything to be uploaded, got ${waiting} segments and entries that wait`);
      const episodes = sum((result) => result.endedEpisodes);
      const episodesPerSecond = (1_000 * episodes) / Math.max(...results.map((result) => result.totalMs));
      measured.push({ episodesPerSecond, cpuMsPerEpisode: sum((result) => result.cpuMs) / episodes });
      progress(`run ${run + 1}: ${episodes} episodes, ${episodesPerSecond.toFixed(0)} a second`);
    } finally {
      await fleet.close();
    }
  }
  const sorted = measured.map((run) => run.episodesPerSecond).toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  return { leg: 'simulator', robots, framesPerEpisode, episodesPerSecond: median, runs: measured };
}

async function simulateParts(
  fleet: OpenFleet,
  { processes, episodesPerRobot, seed }: { processes: number; episodesPerRobot: number; seed: number },
): Promise<readonly PartResult[]> {
  const { url: gatewayUrl } = await fleet.startGateway();
  return Promise.all(
    Array.from({ length: processes }, (_, part) =>
      inProcess<PartResult>(new URL('fleet/part-process.ts', import.meta.url), {
        robots: fleet.robots.filter((_, robot) => robot % processes === part),
        directory: join(fleet.directory, 'robots'),
        gatewayUrl,
        root: fleet.rootDocument,
        episodesPerRobot,
        framesPerEpisode,
        seed: seed * processes + part,
      } satisfies FleetPart),
    ),
  );
}
