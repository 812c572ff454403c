import { EventEmitter, once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { Client, Connection } from '@temporalio/client';

import type { RobotType } from '../../datasets/robot-type.ts';
import { readSettings } from '../../workers/config.ts';
import { openContext, type CommandContext } from '../context.ts';
import type { FleetProcessOptions } from './fleet-processes.ts';
import type { DevLock } from './lock.ts';
import { freePort } from './processes.ts';
import { startTemporalServer, type TemporalServer } from './temporal-server.ts';
import { startWorkers } from './workers.ts';

/** What stories are played on: a store, a Temporal server, workers of every queue, and a folder of its own. */
export interface Installation extends FleetProcessOptions {
  readonly context: CommandContext;
  readonly client: Client;
  /** Queue of the workflows. */
  readonly taskQueue: string;
  readonly policy: string;
  readonly robotType: RobotType;
  /** Absent where the server is not the story's own. */
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
  /** Gets what ends each thing that was started, in the order of starting. */
  readonly stops: (() => Promise<void>)[];
  readonly say: (line: string) => void;
}

export interface StartedInstallation extends Installation {
  readonly address: string;
  readonly uiUrl: string;
  /** Settles with a sentence when the server or a worker ends though nobody stopped it. */
  readonly died: Promise<string>;
}

/** Starts a Temporal server and the workers on a state folder. */
export async function startInstallation(start: StartOptions): Promise<StartedInstallation> {
  const { place, lock, stops, say } = start;
  const { stateDirectory } = place;
  const logs = path.join(stateDirectory, 'logs');
  mkdirSync(logs, { recursive: true });
  const deaths = new EventEmitter<{ death: [string] }>();
  const died = once(deaths, 'death').then(([sentence]) => sentence as string);
  let isStopping = false;

  say('Starting the Temporal server …');
  const [port, uiPort] = [await freePort(place.port), await freePort(place.uiPort)];
  let server: TemporalServer | undefined;
  const startServer = async (): Promise<TemporalServer> => {
    const started = await startTemporalServer({
      databaseFile: path.join(stateDirectory, 'temporal.db'),
      logFile: path.join(logs, 'temporal.log'),
      port,
      uiPort,
      started: (pid) => lock.remember('temporal server', pid),
    });
    server = started;
    void started.ended.then((sentence) => !isStopping && server === started && deaths.emit('death', sentence));
    return started;
  };
  const { address, uiUrl } = await startServer();
  stops.push(async () => server?.stop());

  say('Starting the workers …');
  const environment = environmentOf(stateDirectory, address);
  const workers = await startWorkers({ environment, logs, lock });
  stops.push(...workers.map((worker) => worker.stop));
  for (const worker of workers) void worker.ended.then((sentence) => !isStopping && deaths.emit('death', sentence));
  const context = await openContext(readSettings({ ...process.env, ...environment }));
  const { temporal } = context.settings;
  const connection = await Connection.connect({ address });
  stops.push(
    () => connection.close(),
    async () => {
      isStopping = true;
    },
  );
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
    uiUrl: `${uiUrl}/namespaces/${temporal.namespace}/workflows`,
    died,
    server: {
      async kill() {
        const killed = server;
        server = undefined;
        if (killed !== undefined) process.kill(killed.pid, 'SIGKILL');
        await killed?.ended;
      },
      async start() {
        await startServer();
      },
    },
  };
}

function environmentOf(stateDirectory: string, address: string): Record<string, string> {
  const directory = (name: string): string => path.join(stateDirectory, name);
  return {
    FLYWHEEL_STORE: process.env['FLYWHEEL_STORE'] ?? directory('store'),
    FLYWHEEL_KEYS: process.env['FLYWHEEL_KEYS'] ?? directory('keys'),
    FLYWHEEL_SCRATCH: process.env['FLYWHEEL_SCRATCH'] ?? directory('scratch'),
    FLYWHEEL_TEMPORAL_ADDRESS: address,
    TZ: 'UTC',
  };
}
