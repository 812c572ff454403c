import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Client, Connection } from '@temporalio/client';

import { openContext } from '../context.ts';
import { ensureWeeklySchedule } from '../schedule.ts';
import { registerTinyBaseline } from './baseline.ts';
import { runCycles } from './cycles.ts';
import { takeLock, type DevLock } from './lock.ts';
import { devUsage, parseDevOptions, type DevOptions } from './options.ts';
import { startTemporalServer } from './temporal-server.ts';
import { experienceOf } from './experience.ts';
import { startWorkers } from './workers.ts';
import { readSettings, type Settings } from '../../workers/config.ts';

type Stop = () => Promise<void>;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const options = parseDevOptions(process.argv.slice(2));
  if (options === 'help') {
    say(devUsage);
    return 0;
  }
  mkdirSync(options.stateDirectory, { recursive: true, mode: 0o700 });
  const taken = takeLock(options.stateDirectory);
  if ('heldByPid' in taken) {
    process.stderr.write(
      `Flywheel already runs on ${options.stateDirectory} (process ${taken.heldByPid}). Stop it with Ctrl-C there, or start another with --state DIR.\n`,
    );
    return 1;
  }
  const stops: Stop[] = [];
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve('interrupted'));
  });
  try {
    const outcome = await Promise.race([run(options, taken.lock, stops), interrupted]);
    if (outcome !== 'interrupted') return outcome;
    say('\nStopping …');
    return 0;
  } finally {
    for (const stop of stops.toReversed()) await stop();
    taken.lock.release();
    say('Stopped. Start again to go on where this ended.');
  }
}

/** Starts everything, runs the cycles and stays; resolves with the exit code when it is done or something died. */
async function run(options: DevOptions, lock: DevLock, stops: Stop[]): Promise<number> {
  const experience = experienceOf(options);
  const logs = path.join(options.stateDirectory, 'logs');
  mkdirSync(logs, { recursive: true });

  say('Starting the Temporal server …');
  const server = await startTemporalServer({
    databaseFile: path.join(options.stateDirectory, 'temporal.db'),
    logFile: path.join(logs, 'temporal.log'),
    port: options.port,
    uiPort: options.uiPort,
    started: (pid) => lock.remember('temporal server', pid),
  });
  stops.push(server.stop);

  const environment = environmentOf(options, server.address);
  const settings = readSettings({ ...process.env, ...environment });
  const baseline = await registerTinyBaseline(await openContext(settings), experience.policy, experience.robotType);
  if (baseline === 'registered') say(`Registered a tiny untrained baseline for ${experience.policy}.`);

  say('Starting the workers …');
  const workers = await startWorkers({ environment, logs, lock });
  stops.push(...workers.map((worker) => worker.stop));
  const died = Promise.race([server.ended, ...workers.map((worker) => worker.ended)]);

  const connection = await Connection.connect({ address: server.address });
  stops.push(() => connection.close());
  const client = new Client({ connection, namespace: settings.temporal.namespace });
  const queue = `${settings.temporal.queuePrefix}orchestration`;
  await ensureWeeklySchedule(client, experience.policy, queue);
  sayWhereThingsAre(options, server.uiUrl, server.address, settings);

  const cycles = runCycles({ client, settings, options, experience, queue, say });
  const ended = await Promise.race([cycles, died]);
  if (typeof ended === 'string') throw new Error(ended);
  if (options.exitWhenDone) return ended ? 0 : 1;
  say('\nRunning. Ctrl-C stops it.');
  process.stderr.write(`${await died}\n`);
  return 1;
}

function environmentOf(options: DevOptions, address: string): Record<string, string> {
  const directory = (name: string): string => path.join(options.stateDirectory, name);
  return {
    FLYWHEEL_STORE: process.env['FLYWHEEL_STORE'] ?? directory('store'),
    FLYWHEEL_KEYS: process.env['FLYWHEEL_KEYS'] ?? directory('keys'),
    FLYWHEEL_SCRATCH: process.env['FLYWHEEL_SCRATCH'] ?? directory('scratch'),
    FLYWHEEL_TEMPORAL_ADDRESS: address,
    TZ: 'UTC',
  };
}

function sayWhereThingsAre(options: DevOptions, uiUrl: string, address: string, settings: Settings): void {
  const store = settings.store.kind === 'file' ? settings.store.directory : `s3://${settings.store.bucket}`;
  say(`
  Temporal UI   ${uiUrl}/namespaces/${settings.temporal.namespace}/workflows
  Temporal      ${address}
  Store         ${store}
  Logs          ${path.join(options.stateDirectory, 'logs')}
  Schedule      weekly-sync, Sundays 02:00 UTC
`);
  const file = path.join(options.stateDirectory, 'dev.json');
  rmSync(file, { force: true });
  writeFileSync(file, `${JSON.stringify({ uiUrl, address, store }, undefined, 2)}\n`);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`temporal-dev.sh: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
