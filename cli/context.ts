import { existsSync, mkdirSync } from 'node:fs';

import type { Client, Connection } from '@temporalio/client';

import type { ChampionDesk } from '../fleet/desk/champion-desk.ts';
import type { Lake } from '../activities/lake/lake.ts';
import type { Clock } from '../store/clock.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Progress } from '../activities/ports/progress.ts';
import type { SqlEngine } from '../activities/ports/sql.ts';
import type { ModelProbe } from '../activities/ports/model-probe.ts';
import type { FileKeys } from '../activities/adapters/file-signer.ts';
import type { Signer } from '../policies/signer.ts';
import type { DeskPorts } from '../fleet/desk/desk.ts';
import type { Settings } from '../workers/config.ts';
import { late } from '../workers/late.ts';
import { CommandError } from './exit-codes.ts';
import { findSettings, type FoundSettings } from './find-settings.ts';
import { printable } from './printable.ts';

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
  /** The installation's keys; fails with what to run when there are none. */
  readonly keys: () => FileKeys;
  readonly signer: () => Signer;
}

/**
 * Opens the installation that environment and context file name. Throws where there is none: a command that begins one says
 * `openNewContext`. What a command does not use is not loaded: the SQL engine and the model runtime come with their first use.
 */
export async function openContext(settings?: Settings): Promise<CommandContext> {
  if (settings !== undefined) return contextOf(settings);
  const found = findSettings(process.env, process.cwd());
  requireStore(found);
  return contextOf(found.settings);
}

/** Its settings, for commands that only speak with workflows: they load no store and no key. */
export function openSettings(): Settings {
  const found = findSettings(process.env, process.cwd());
  requireStore(found);
  return found.settings;
}

/** The same for commands that may be the first ones of an installation. */
export const openNewContext = (): Promise<CommandContext> =>
  contextOf(findSettings(process.env, process.cwd()).settings);

/** Throws where the file store that is named is not there. */
export function requireStore({ settings: { store }, origins, places, file }: FoundSettings): void {
  if (store.kind !== 'file' || existsSync(store.directory)) return;
  const named = origins.FLYWHEEL_STORE === 'default' ? '' : ` (named by the ${file ?? 'environment'})`;
  const looked = file === undefined ? `, and no context file in ${places.join(', ')}` : '';
  throw new CommandError(
    'missing',
    `expected a store in ${store.directory}, there is none${named}${looked}; start ./temporal-dev.sh or set FLYWHEEL_STORE`,
  );
}

async function contextOf(settings: Settings): Promise<CommandContext> {
  const { openEngine, openKeys, openModelProbe, openStore } = await import('../workers/compose.ts');
  const store = await openStore(settings);
  const scratchFolder = (): string => {
    mkdirSync(settings.scratchDirectory, { recursive: true });
    return settings.scratchDirectory;
  };
  const engine = late(() => openEngine({ ...settings, scratchDirectory: scratchFolder() }));
  const clock = Date.now;
  const keys = (): FileKeys => openKeys(settings);
  return {
    settings,
    store,
    engine,
    clock,
    lake: late(async () => {
      const { openLake } = await import('../activities/lake/lake.ts');
      return openLake({ store, engine, clock, stagingDirectory: settings.scratchDirectory });
    }),
    progress: () => undefined,
    probe: late(openModelProbe),
    // Asks for the keys when something is ordered, not before.
    desk: late(async () => {
      const { championDesk } = await import('../fleet/desk/champion-desk.ts');
      return championDesk({ store, sealing: sealingWith(keys(), clock) });
    }),
    /** Made when somebody asks for it. */
    get scratchDirectory() {
      return scratchFolder();
    },
    codeBuild: 'flywheel-command',
    keys,
    signer: () => keys().signer,
  };
}

/** What the desk signs orders with; undefined while the installation has one key only. */
export const sealingWith = ({ signer, orders }: FileKeys, clock: Clock): DeskPorts['sealing'] =>
  orders && { clock, signer, orders, onUnsealed: (why) => void process.stderr.write(`flywheel: ${printable(why)}\n`) };

/** Signs what a policy's robots are ordered when that was decided here: its first champion, another baseline. */
export async function signOrdersOf({ store, clock, keys }: CommandContext, policy: string): Promise<void> {
  const { openDesk } = await import('../fleet/desk/desk.ts');
  await openDesk({ store, sealing: sealingWith(keys(), clock) }).refreshOrders(policy);
}

/** Runs `work` with a client of the Temporal server the settings name; says what to do when it is not there. */
export async function withClient<T>(settings: Settings, work: (client: Client) => Promise<T>): Promise<T> {
  const { address, namespace } = settings.temporal;
  const [{ Client, Connection }, { temporalConnectionOptions }] = await Promise.all([
    import('@temporalio/client'),
    import('../workers/temporal-connection.ts'),
  ]);
  const options = await temporalConnectionOptions(settings.temporal);
  let connection: Connection;
  try {
    connection = await Connection.connect({ ...options, connectTimeout: '3 seconds' });
  } catch (cause) {
    throw new CommandError(
      'missing',
      `expected a Temporal server on ${address}${options.tls === undefined ? '' : ' that takes our certificates by TLS'}, got none; start it with ./temporal-dev.sh or set FLYWHEEL_TEMPORAL_ADDRESS`,
      { cause },
    );
  }
  try {
    return await work(new Client({ connection, namespace }));
  } finally {
    await connection.close();
  }
}
