import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';

import type { RobotType } from '../datasets/robot-type.ts';
import { readSettings } from '../workers/config.ts';
import { toolPath } from '../tools/tool.ts';
import { openContext, type CommandContext } from '../cli/context.ts';
import type { FleetProcessOptions } from './fleet-processes.ts';
import type { DevLock } from './lock.ts';
import { ensureDevKeys } from './keys.ts';
import { freePort } from './processes.ts';
import { keepRunning } from './supervision/keep-running.ts';
import { launchTemporalServer } from './temporal-server.ts';
import { startWorkers } from './workers.ts';

/** What stories are played on: a store, a Temporal server, workers of every queue, and a folder of its own. */
export interface Installation extends FleetProcessOptions {
  readonly context: CommandContext;
  readonly client: Client;
  /** Queue of the workflows. */
  readonly taskQueue: string;
  readonly policy: string;
  readonly robotType: RobotType;
  /** Absent where the server is not the scenario's own. */
  readonly server?: RestartableServer;
  readonly say: (line: string) => void;
}

/** A Temporal server that can be gone for a while; it comes back on the same port and database. */
export interface RestartableServer {
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** The folder of everything an installation keeps, and the ports that its server has unless they are taken. */
export interface Place {
  readonly stateDirectory: string;
  readonly port: number;
  readonly uiPort: number;
}

export interface StartOptions {
  readonly place: Place;
  readonly policy: string;
  readonly robotType: RobotType;
  readonly lock: DevLock;
  /** Settings beside those of every installation. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Gets what ends each thing that was started, in the order of starting. */
  readonly stops: (() => Promise<void>)[];
  readonly say: (line: string) => void;
}

export interface StartedInstallation extends Installation {
  readonly address: string;
  readonly uiUrl: string;
}

/** Starts a Temporal server and the workers on a state folder; each is started again when it ends by itself. */
export async function startInstallation(start: StartOptions): Promise<StartedInstallation> {
  const { place, lock, stops, say } = start;
  const { stateDirectory } = place;
  const logs = path.join(stateDirectory, 'logs');
  mkdirSync(logs, { recursive: true });

  const command = await toolPath('temporal');
  const [port, uiPort] = [await portFor('Temporal server', place.port, say), await portFor('UI', place.uiPort, say)];
  say('Starting the Temporal server …');
  const server = await keepRunning({
    name: 'temporal server',
    say,
    start: () => {
      const started = launchTemporalServer(command, {
        databaseFile: path.join(stateDirectory, 'temporal.db'),
        logFile: path.join(logs, 'temporal.log'),
        port,
        uiPort,
      });
      lock.remember(started);
      return started;
    },
  });
  stops.push(() => server.stop());

  say('Starting the workers …');
  const address = `127.0.0.1:${port}`;
  const environment = { ...environmentOf(stateDirectory, address), ...start.environment };
  ensureDevKeys(environment.FLYWHEEL_KEYS, say);
  const workers = await startWorkers({ environment, logs, lock, say });
  stops.push(async () => void (await Promise.all(workers.map((worker) => worker.stop()))));
  const context = await openContext(readSettings({ ...process.env, ...environment }));
  const { temporal } = context.settings;
  const connection = await Connection.connect({ address, interceptors: [patientCalls] });
  stops.push(() => connection.close());
  return {
    context,
    client: new Client({ connection, namespace: temporal.namespace }),
    taskQueue: `${temporal.queuePrefix}orchestration`,
    policy: start.policy,
    robotType: start.robotType,
    stateDirectory,
    environment,
    lock,
    say,
    address,
    uiUrl: `http://127.0.0.1:${uiPort}/namespaces/${temporal.namespace}/workflows`,
    server: {
      kill: () =>
        server.rest(async ({ pid, ended }) => {
          process.kill(pid, 'SIGKILL');
          await ended;
        }),
      start: () => server.resume(),
    },
  };
}

/** The port that is wanted, or a free one where somebody else listens there; the change is told. */
async function portFor(what: string, wanted: number, say: (line: string) => void): Promise<number> {
  const port = await freePort(wanted);
  if (port !== wanted) say(`Port ${wanted} is taken: the ${what} gets ${port}.`);
  return port;
}

/** A server that is started again is back within seconds; a call waits for it for two minutes before it fails. */
const patientCalls = makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ maxAttempts: 80, maxIntervalMs: () => 1_500 }));

function environmentOf(stateDirectory: string, address: string) {
  const directory = (name: string): string => path.join(stateDirectory, name);
  const FLYWHEEL_STORE = process.env['FLYWHEEL_STORE'] ?? directory('store');
  return {
    FLYWHEEL_TRIAL_PROFILE: 'compressed',
    FLYWHEEL_STORE,
    FLYWHEEL_KEYS: process.env['FLYWHEEL_KEYS'] ?? readSettings({ ...process.env, FLYWHEEL_STORE }).keysDirectory,
    FLYWHEEL_SCRATCH: process.env['FLYWHEEL_SCRATCH'] ?? directory('scratch'),
    FLYWHEEL_TEMPORAL_ADDRESS: address,
    TZ: 'UTC',
  };
}
