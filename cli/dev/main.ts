import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Client, Connection } from '@temporalio/client';

import { openContext, type CommandContext } from '../context.ts';
import { devMonitor, ensureMonitor } from '../monitor.ts';
import { ensureWeeklySchedule } from '../schedule.ts';
import { registerTinyBaseline } from './baseline.ts';
import { runCycles } from './cycles.ts';
import { takeLock, type DevLock } from './lock.ts';
import { devUsage, parseDevOptions, type DevOptions } from './options.ts';
import { startTemporalServer } from './temporal-server.ts';
import { recordedExperience, sourceOf, type Experience, type Source } from './experience.ts';
import { describeDriving } from './driving.ts';
import { startFleet } from './fleet.ts';
import { playScenario } from './scenarios/play.ts';
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
    const work =
      options.scenario === undefined
        ? run(options, taken.lock, stops)
        : playScenario(options.scenario, { options, lock: taken.lock, stops, environmentOf, say });
    const outcome = await Promise.race([work, interrupted]);
    if (outcome !== 'interrupted') return outcome;
    say('\nStopping …');
    return 0;
  } finally {
    for (const stop of stops.toReversed()) await stop();
    await taken.lock.release();
    say(options.scenario === undefined ? 'Stopped. Start again to go on where this ended.' : 'Stopped.');
  }
}

/** Starts everything, runs the cycles and stays; resolves with the exit code when it is done or something died. */
async function run(options: DevOptions, lock: DevLock, stops: Stop[]): Promise<number> {
  const source = sourceOf(options);
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
  const context = await openContext(settings);
  const baseline = await registerTinyBaseline(context, source.policy, source.robotType);
  if (baseline === 'registered') say(`Registered a tiny untrained baseline for ${source.policy}.`);

  say('Starting the workers …');
  const workers = await startWorkers({ environment, logs, lock });
  stops.push(...workers.map((worker) => worker.stop));
  const {
    experience,
    gatewayUrl,
    ended: fleetEnded,
  } = await openExperience({ options, source, context, environment, lock, stops });
  const died = Promise.race([server.ended, fleetEnded, ...workers.map((worker) => worker.ended)]);

  const connection = await Connection.connect({ address: server.address });
  stops.push(() => connection.close());
  const client = new Client({ connection, namespace: settings.temporal.namespace });
  const queue = `${settings.temporal.queuePrefix}orchestration`;
  await ensureWeeklySchedule(client, source.policy, queue);
  await ensureMonitor(client, queue, { policy: source.policy, ...devMonitor });
  sayWhereThingsAre(options, { uiUrl: server.uiUrl, address: server.address, gatewayUrl }, settings);

  const cycles = runCycles({ client, settings, options, policy: source.policy, experience, queue, say });
  const ended = await Promise.race([cycles, died]);
  if (typeof ended === 'string') throw new Error(ended);
  if (options.exitWhenDone) return ended ? 0 : 1;
  say('\nRunning. Ctrl-C stops it.');
  process.stderr.write(`${await died}\n`);
  return 1;
}

interface Opening {
  readonly options: DevOptions;
  readonly source: Source;
  readonly context: CommandContext;
  readonly environment: Readonly<Record<string, string>>;
  readonly lock: DevLock;
  readonly stops: Stop[];
}

/** The recording that was named, or a gateway and simulated robots. */
async function openExperience({ options, source, context, environment, lock, stops }: Opening): Promise<{
  readonly experience: Experience;
  readonly gatewayUrl?: string;
  readonly ended: Promise<string>;
}> {
  if (source.recording !== undefined)
    return { experience: recordedExperience(context, source.recording, say), ended: new Promise(() => undefined) };
  say('Starting the gateway and the simulated robots …');
  const { policy, robotType } = source;
  const { robots, seed, stateDirectory } = options;
  const fleet = await startFleet({ context, policy, robotType, robots, seed, stateDirectory, environment, lock, say });
  stops.push(() => fleet.stop());
  return {
    gatewayUrl: fleet.gatewayUrl,
    ended: fleet.ended,
    experience: {
      bring: () => fleet.drive(),
      compare: (versions) => describeDriving(context.store, policy, versions, seed),
    },
  };
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

interface Places {
  readonly uiUrl: string;
  readonly address: string;
  readonly gatewayUrl?: string | undefined;
}

function sayWhereThingsAre(options: DevOptions, { uiUrl, address, gatewayUrl }: Places, settings: Settings): void {
  const store = settings.store.kind === 'file' ? settings.store.directory : `s3://${settings.store.bucket}`;
  say(`
  Temporal UI   ${uiUrl}/namespaces/${settings.temporal.namespace}/workflows
  Temporal      ${address}${gatewayUrl === undefined ? '' : `\n  Gateway       ${gatewayUrl}/documentation`}
  Store         ${store}
  Logs          ${path.join(options.stateDirectory, 'logs')}
  Schedule      weekly-sync, Sundays 02:00 UTC
`);
  const file = path.join(options.stateDirectory, 'dev.json');
  rmSync(file, { force: true });
  writeFileSync(file, `${JSON.stringify({ uiUrl, address, gatewayUrl, store }, undefined, 2)}\n`);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`temporal-dev.sh: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
