import { setPriority } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import type { DevLock } from './lock.ts';
import { startProcess, workerReady, type Started } from './processes.ts';

/** Which queues share a process here. Heavy work runs at lower priority, so that orchestration never waits behind it. */
const processes = [
  { name: 'orchestration', queues: 'orchestration,fleet', niceness: 0 },
  { name: 'data', queues: 'data', niceness: 10 },
  { name: 'training', queues: 'training', niceness: 10 },
] as const;

/** Starts the worker processes and resolves when all of them poll. */
export async function startWorkers(options: {
  readonly environment: Readonly<Record<string, string>>;
  readonly logs: string;
  readonly lock: Pick<DevLock, 'remember'>;
}): Promise<readonly Started[]> {
  const main = fileURLToPath(new URL('../../workers/main.ts', import.meta.url));
  const workers = processes.map(({ name, queues, niceness }) => {
    const worker = startProcess({
      name: `${name} worker`,
      command: process.execPath,
      args: ['--import', 'tsx', main, '--queues', queues],
      logFile: path.join(options.logs, `worker-${name}.log`),
      environment: options.environment,
      channel: true,
    });
    options.lock.remember(worker.name, worker.pid);
    if (niceness > 0 && worker.pid > 0) setPriority(worker.pid, niceness);
    return worker;
  });
  try {
    await Promise.all(workers.map(workerReady));
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.stop()));
    throw error;
  }
  return workers;
}
