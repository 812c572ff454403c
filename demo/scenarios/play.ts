import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { defaultPolicy } from '../../activities/default-policy.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { roomFamilies } from '../../fleet/simulator/rooms/families.ts';
import { devMonitor, ensureMonitor } from '../../cli/monitor.ts';
import type { FleetOptions } from '../fleet.ts';
import { startInstallation, type StartOptions } from '../installation.ts';
import { allowTrainers } from '../pytorch.ts';
import { openWorld } from '../world.ts';
import { writeContext } from '../write-context.ts';
import { scenarioOf } from './index.ts';
import type { ScenarioName } from './names.ts';

/** Plays one scenario from an empty folder to its end; resolves with 0, or fails with what was not as it should be. */
export async function playScenario(
  name: ScenarioName,
  start: Omit<StartOptions, 'policy' | 'robotType'>,
  { robots, seed }: FleetOptions,
): Promise<number> {
  const {
    place: { stateDirectory },
    stops,
    say,
  } = start;
  for (const entry of existsSync(stateDirectory) ? readdirSync(stateDirectory) : [])
    if (!entry.startsWith('dev.lock.json')) rmSync(path.join(stateDirectory, entry), { recursive: true });
  const scenario = scenarioOf(name);
  const { summary, play, robotType = scitosG5Type, families = roomFamilies.slice(0, 4), pace, mostRobots } = scenario;
  say(`Scenario ${name}: ${summary}\n`);
  const trainer = await scenario.trainer?.();
  const environment = trainer === undefined ? {} : allowTrainers(stateDirectory, [trainer]);
  const installation = await startInstallation({ ...start, policy: defaultPolicy, robotType, environment });
  const simulated = await scenario.simulated?.();
  const world = await openWorld(installation, {
    robots: Math.min(robots, mostRobots ?? robots),
    ...(simulated === undefined ? {} : { world: simulated }),
    seed,
    families,
    ...(pace === undefined ? {} : { episodeSeconds: pace.episodeSeconds }),
  });
  stops.push(() => world.stop());
  await ensureMonitor(installation.client, installation.taskQueue, {
    policy: defaultPolicy,
    ...devMonitor,
    ...(pace === undefined ? {} : { dayMs: pace.dayMs }),
  });
  const [file] = writeContext(installation, world.fleet, false);
  say(`  Commands      FLYWHEEL_CONTEXT=${file ?? ''}`);
  say(`  Temporal UI   ${installation.uiUrl}\n`);
  await play(world);
  return 0;
}
