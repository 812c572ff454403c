import { existsSync, readdirSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { Client, Connection } from '@temporalio/client';

import { defaultPolicy } from '../../../activities/workflow-inputs.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { readSettings } from '../../../workers/config.ts';
import { openContext } from '../../context.ts';
import type { DevLock } from '../lock.ts';
import type { DevOptions } from '../options.ts';
import { freePort } from '../processes.ts';
import { startTemporalServer, type TemporalServer } from '../temporal-server.ts';
import { startWorkers } from '../workers.ts';
import { scenarios, type ScenarioName } from './index.ts';
import { openWorld } from './world.ts';

export interface Stage {
  readonly options: DevOptions;
  readonly lock: DevLock;
  readonly stops: (() => Promise<void>)[];
  readonly environmentOf: (options: DevOptions, address: string) => Record<string, string>;
  readonly say: (line: string) => void;
}

/** Plays one scenario from an empty folder to its end; resolves with 0, or fails with what was not as it should be. */
export async function playScenario(
  name: ScenarioName,
  { options, lock, stops, environmentOf, say }: Stage,
): Promise<number> {
  const { stateDirectory } = options;
  if (process.env['FLYWHEEL_STORE'] !== undefined)
    throw new Error('--scenario: expected no FLYWHEEL_STORE, because a scenario begins with an empty store');
  for (const entry of existsSync(stateDirectory) ? readdirSync(stateDirectory) : [])
    if (!entry.startsWith('dev.lock.json')) rmSync(path.join(stateDirectory, entry), { recursive: true });
  const logs = path.join(stateDirectory, 'logs');
  await mkdir(logs, { recursive: true });

  say(`Scenario ${name}: ${scenarios[name].story}\n`);
  const port = await freePort(options.port);
  const uiPort = await freePort(options.uiPort);
  const startServer = (): Promise<TemporalServer> =>
    startTemporalServer({
      databaseFile: path.join(stateDirectory, 'temporal.db'),
      logFile: path.join(logs, 'temporal.log'),
      port,
      uiPort,
      started: (pid) => lock.remember('temporal server', pid),
    });
  let server = await startServer();
  stops.push(() => server.stop());
  const environment = environmentOf(options, server.address);
  const workers = await startWorkers({ environment, logs, lock });
  stops.push(...workers.map((worker) => worker.stop));
  const context = await openContext(readSettings({ ...process.env, ...environment }));
  const { temporal } = context.settings;
  const connection = await Connection.connect({ address: server.address });
  stops.push(() => connection.close());
  const world = await openWorld(
    {
      context,
      client: new Client({ connection, namespace: temporal.namespace }),
      taskQueue: `${temporal.queuePrefix}orchestration`,
      policy: defaultPolicy,
      robotType: scitosG5Type,
      stateDirectory,
      environment,
      lock,
      say,
      server: {
        async kill() {
          process.kill(server.pid, 'SIGKILL');
          await server.ended;
        },
        async start() {
          server = await startServer();
        },
      },
    },
    { robots: options.robots, seed: options.seed },
  );
  stops.push(() => world.stop());
  say(`  Temporal UI   ${server.uiUrl}/namespaces/${temporal.namespace}/workflows\n`);
  await scenarios[name].play(world);
  return 0;
}
