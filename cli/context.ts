import { mkdir } from 'node:fs/promises';

import { Client, Connection } from '@temporalio/client';

import { duckDbEngine } from '../activities/adapters/duckdb-engine.ts';
import { openFileSigner } from '../activities/adapters/file-signer.ts';
import { onnxProbe } from '../activities/adapters/onnx-probe-process.ts';
import type { ChampionDesk } from '../activities/champion-desk-port.ts';
import { openLake, type Lake } from '../activities/lake/lake.ts';
import type { Clock, ObjectStore, Progress, SqlEngine } from '../activities/ports.ts';
import type { ModelProbe } from '../activities/model-probe-port.ts';
import type { Signer } from '../activities/signer-port.ts';
import { championDesk } from '../fleet/desk/index.ts';
import { readSettings, type Settings } from '../workers/config.ts';
import { openStore } from '../workers/open-store.ts';
import { CommandError } from './exit-codes.ts';

/** What a command works with: the same store, keys and lake the workers use, opened when the command asks. */
export interface CommandContext {
  readonly settings: Settings;
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly lake: Lake;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly probe: ModelProbe;
  readonly desk: ChampionDesk;
  readonly scratchDirectory: string;
  readonly codeBuild: string;
  readonly signer: () => Signer;
}

export async function openContext(settings = readSettings(process.env)): Promise<CommandContext> {
  await mkdir(settings.scratchDirectory, { recursive: true });
  const store = openStore(settings);
  const engine = duckDbEngine({
    temporaryDirectory: settings.scratchDirectory,
    threads: settings.threads,
    memoryLimitMiB: settings.sqlMemoryMiB,
  });
  const clock = Date.now;
  return {
    settings,
    store,
    engine,
    clock,
    lake: openLake({ store, engine, clock, stagingDirectory: settings.scratchDirectory }),
    progress: () => undefined,
    probe: onnxProbe(),
    desk: championDesk({ store }),
    scratchDirectory: settings.scratchDirectory,
    codeBuild: 'flywheel-command',
    signer: () => openFileSigner(settings.keysDirectory),
  };
}

/** Runs `work` with a client of the Temporal server the settings name; says what to do when it is not there. */
export async function withClient<T>(settings: Settings, work: (client: Client) => Promise<T>): Promise<T> {
  const { address, namespace } = settings.temporal;
  let connection: Connection;
  try {
    connection = await Connection.connect({ address, connectTimeout: '3 seconds' });
  } catch (cause) {
    throw new CommandError(
      'missing',
      `expected a Temporal server on ${address}, got none; start it with ./temporal-dev.sh or set FLYWHEEL_TEMPORAL_ADDRESS`,
      { cause },
    );
  }
  try {
    return await work(new Client({ connection, namespace }));
  } finally {
    await connection.close();
  }
}
