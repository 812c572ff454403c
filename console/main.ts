import { mkdir } from 'node:fs/promises';

import { Client, Connection } from '@temporalio/client';

import { orchestrationQueue } from '../acts/ask-workflow.ts';
import { steering } from '../acts/steering.ts';
import { openFactTables } from '../activities/facts/fact-tables.ts';
import { openEngine, openStore } from '../workers/compose.ts';
import type { Clock } from '../store/clock.ts';
import { readSettings, type Settings } from '../workers/config.ts';
import { endWithParent, leaveParent, tellParent } from '../workers/end-with-parent.ts';
import { openLogger } from '../workers/logger.ts';
import { temporalConnectionOptions } from '../workers/temporal-connection.ts';
import { temporalLoopView } from './loop-view.ts';
import type { OidcDesk } from './context.ts';
import { Sessions } from './oidc/sessions.ts';
import type { OidcSettings } from './oidc/settings.ts';
import { buildConsole } from './server.ts';
import { readConsoleSettings, withoutConsoleSettings } from './settings.ts';

const usage = `Runs the console's server until SIGTERM or SIGINT.

Usage: npm run console

Settings come from FLYWHEEL_CONSOLE_… and FLYWHEEL_… environment variables; see docs/console.md.
`;

async function connected(settings: Settings): Promise<Client> {
  const options = await temporalConnectionOptions(settings.temporal);
  const connection = await Connection.connect({ ...options, connectTimeout: '3 seconds' });
  return new Client({ connection, namespace: settings.temporal.namespace });
}

/** A connection that is made when it is first asked for, and anew after one that could not be made. */
function connecting(settings: Settings): { client: () => Promise<Client>; close: () => Promise<void> } {
  let open: Promise<Client> | undefined;
  return {
    client: () => {
      open ??= connected(settings).catch((error: unknown) => {
        open = undefined;
        throw error;
      });
      return open;
    },
    close: async () => (await open?.catch(() => undefined))?.connection.close(),
  };
}

/** Loaded where it is wanted: most consoles know tokens alone. */
async function openOidc(settings: OidcSettings, clock: Clock): Promise<OidcDesk> {
  const { openIdentityProvider } = await import('./oidc/provider.ts');
  return { settings, provider: openIdentityProvider(settings), sessions: new Sessions(settings, clock) };
}

async function runConsole(environment: NodeJS.ProcessEnv): Promise<void> {
  const told = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
    endWithParent(resolve);
  });
  const { host, port, oidc } = readConsoleSettings(environment);
  const settings = readSettings(withoutConsoleSettings(environment));
  const log = openLogger(settings.logLevel, 'console');
  const { scratchDirectory } = settings;
  await mkdir(scratchDirectory, { recursive: true });
  const [store, engine] = await Promise.all([openStore(settings), openEngine(settings)]);
  const clock = Date.now;
  const temporal = connecting(settings);
  const app = await buildConsole({
    store,
    engine,
    facts: openFactTables({ store, engine, clock, stagingDirectory: scratchDirectory }),
    loop: temporalLoopView(temporal.client, orchestrationQueue(settings)),
    steer: steering({ client: temporal.client, settings }),
    undoWithinMs: settings.undoWithinMs,
    clock,
    monotonicMs: () => performance.now(),
    log,
    oidc: oidc === undefined ? undefined : await openOidc(oidc, clock),
  });
  const url = await app.listen({ host, port });
  log.info({ url }, 'console listens');
  tellParent({ kind: 'ready', url });
  await told;
  await app.close();
  await temporal.close();
}

if (process.argv.includes('--help')) process.stdout.write(usage);
else
  try {
    await runConsole(process.env);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  } finally {
    leaveParent();
  }
