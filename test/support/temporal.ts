import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';

import type { WorkflowBundle } from '../../workers/bundle.ts';
import { sharedBundle } from './shared-bundle.ts';
import { startTemporalServer, type TemporalServer } from '../../demo/temporal-server.ts';

export interface SharedTemporal {
  readonly address: string;
  readonly client: Client;
  readonly connection: NativeConnection;
  readonly bundle: WorkflowBundle;
}

let shared: Promise<{ temporal: SharedTemporal; server: TemporalServer; directory: string }> | undefined;

const closers: (() => Promise<void>)[] = [];

/** Runs before the shared server stops, last registered first. */
export const onEndOfRun = (close: () => Promise<void>): void => {
  closers.push(close);
};

/** Histories suggest continue-as-new early, so that tests see it; timers of milliseconds do not wait for the end of a second. */
const dynamicConfig = {
  'limit.historyCount.suggestContinueAsNew': '60',
  'history.timerProcessorMaxTimeShift': '"10ms"',
};

/** The one real server of this process, started at its first use: fixed workflow ids of two test files never meet. */
export async function sharedTemporal(): Promise<SharedTemporal> {
  shared ??= start();
  return (await shared).temporal;
}

async function start(): Promise<{ temporal: SharedTemporal; server: TemporalServer; directory: string }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-temporal-'));
  const server = await startTemporalServer({
    databaseFile: path.join(directory, 'temporal.db'),
    logFile: path.join(directory, 'temporal.log'),
    dynamicConfig,
    // It is never started again: waiting for the disk took more than half of the time of these tests.
    pragmas: ['synchronous=off'],
    // With both cores busy its threads cost more than they bring: a fifth less processor time with one.
    environment: { GOMAXPROCS: '1' },
  });
  process.once('exit', () => endNow(server));
  const connection = await NativeConnection.connect({ address: server.address });
  const bundle = await sharedBundle();
  const client = new Client({ connection });
  return { temporal: { address: server.address, client, connection, bundle }, server, directory };
}

/** For a process that ends without asking anybody. */
function endNow({ pid }: TemporalServer): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

export async function stopTemporal(): Promise<void> {
  if (shared === undefined) return;
  for (const close of closers.toReversed()) await close();
  const { temporal, server, directory } = await shared;
  await temporal.connection.close();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
}
