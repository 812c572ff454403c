import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Worker } from '@temporalio/worker';

import { initKeys } from '../../activities/adapters/key-changes.ts';
import { openContext } from '../../cli/context.ts';
import { openWorld, type World } from '../../demo/world.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { queues, readSettings } from '../../workers/config.ts';
import { openPorts } from '../../workers/ports.ts';
import { workerOptions } from '../../workers/run-workers.ts';
import { sharedTemporal } from '../support/temporal.ts';

const logEnd = 4_000;

/** What gateway and robots said last, as far as there are any. */
async function lastLogs(directory: string): Promise<string> {
  const names = await readdir(directory).catch(() => []);
  const ends = names.map(async (name) => {
    const text = await readFile(path.join(directory, name), 'utf8');
    return `${name}:\n${text.slice(-logEnd)}`;
  });
  return (await Promise.all(ends)).join('\n');
}

/** A scenario's world on the shared server: workers in this process, gateway and robots in processes of their own. */
export async function withWorld(robots: number, work: (world: World) => Promise<void>): Promise<void> {
  const stateDirectory = await mkdtemp(path.join(tmpdir(), 'flywheel-scenario-'));
  const prefix = `scenario-${randomUUID().slice(0, 8)}-`;
  const policy = `wall-${prefix.slice(9, -1)}`;
  const { client, connection, bundle, address } = await sharedTemporal();
  const environment = {
    FLYWHEEL_STORE: path.join(stateDirectory, 'store'),
    FLYWHEEL_KEYS: path.join(stateDirectory, 'keys'),
    FLYWHEEL_SCRATCH: path.join(stateDirectory, 'scratch'),
    FLYWHEEL_QUEUE_PREFIX: prefix,
    FLYWHEEL_TEMPORAL_ADDRESS: address,
    TZ: 'UTC',
  };
  const { TZ: _, ...ours } = environment;
  const settings = readSettings(ours);
  const lines: string[] = [];
  initKeys(settings.keysDirectory, { nowMs: Date.now() });
  const ports = await openPorts(settings, 'test', client);
  const workers = await Promise.all(
    queues.map((queue) =>
      Worker.create({ ...workerOptions(queue, ports, bundle), connection, taskQueue: `${prefix}${queue}` }),
    ),
  );
  const running = workers.map((worker) => worker.run());
  let world: World | undefined;
  try {
    world = await openWorld(
      {
        context: await openContext(settings),
        client,
        taskQueue: `${prefix}orchestration`,
        policy,
        robotType: scitosG5Type,
        stateDirectory,
        environment,
        lock: { remember: () => undefined },
        say: (line) => {
          lines.push(line);
          if (process.env['TELL_SCENARIO'] !== undefined) process.stderr.write(`${line}\n`);
        },
      },
      { robots, seed: 1 },
    );
    await work(world);
  } catch (error) {
    process.stderr.write(`${lines.join('\n')}\n${await lastLogs(path.join(stateDirectory, 'logs'))}\n`);
    throw error;
  } finally {
    await world?.stop();
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
    await rm(stateDirectory, { recursive: true, force: true });
  }
}
