import path from 'node:path';
import { fileURLToPath } from 'node:url';

import type { DevLock } from './lock.ts';
import { firstMessage, giveWay, startProcess, type Started } from './processes.ts';
import { keepRunning, type Kept, type Mortal } from './supervision/keep-running.ts';

/** Which queues share a process here. Heavy work runs at lower priority, so that orchestration never waits behind it. */
const processes = [
  { name: 'orchestration', queues: 'orchestration,fleet', niceness: 0 },
  { name: 'data', queues: 'data', niceness: 10 },
  { name: 'training', queues: 'training', niceness: 10 },
] as const;

/** Starts the worker processes, each started again when it ends, and resolves when all of them poll. */
export async function startWorkers(options: {
  readonly environment: Readonly<Record<string, string>>;
  readonly logs: string;
  readonly lock: Pick<DevLock, 'remember'>;
  readonly say: (line: string) => void;
}): Promise<readonly Kept<Mortal>[]> {
  const main = fileURLToPath(new URL('../workers/main.ts', import.meta.url));
  const start = ({ name, queues, niceness }: (typeof processes)[number]): Started & Mortal => {
    const worker = startProcess({
      name: `${name} worker`,
      command: process.execPath,
      args: [main, '--queues', queues],
      logFile: path.join(options.logs, `worker-${name}.log`),
      environment: options.environment,
      channel: true,
    });
    options.lock.remember(worker);
    if (niceness > 0) giveWay(worker, niceness);
    return { ...worker, ready: firstMessage(worker) };
  };
  const started = await Promise.allSettled(
    processes.map((one) => keepRunning({ name: `${one.name} worker`, start: () => start(one), say: options.say })),
  );
  const workers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = started.find((one) => one.status === 'rejected');
  if (failed === undefined) return workers;
  await Promise.all(workers.map((worker) => worker.stop()));
  throw failed.reason;
}
