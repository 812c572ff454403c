import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { addOperator, newOperatorToken, readOperators, removeOperator } from '../fleet/desk/operators.ts';
import { tokenHash } from '../fleet/desk/robot-tokens.ts';
import type { StartedInstallation } from './installation.ts';
import { firstMessage, startProcess } from './processes.ts';
import { keepRunning } from './supervision/keep-running.ts';

const person = 'dev';
/** Started as a process, and nobody's to import. */
const program = path.join(import.meta.dirname, '..', 'console', 'main.ts');

export interface DevConsole {
  readonly url: string;
  /** File with the token of an administrator. */
  readonly tokenFile: string;
  stop(): Promise<void>;
}

/** Starts the console's server on a free port, with somebody who may use it. Started again it listens where it did before. */
export async function openDevConsole(installation: StartedInstallation): Promise<DevConsole> {
  const { stateDirectory, environment, lock, say, context } = installation;
  const tokenFile = path.join(stateDirectory, 'console-token');
  await ensurePerson(context, tokenFile);
  let url: string | undefined;
  const kept = await keepRunning({
    name: 'console',
    say,
    start: () => {
      const started = startProcess({
        name: 'console',
        command: process.execPath,
        args: [program],
        logFile: path.join(stateDirectory, 'logs', 'console.log'),
        environment: {
          ...environment,
          FLYWHEEL_CONSOLE_HOST: '127.0.0.1',
          FLYWHEEL_CONSOLE_PORT: url === undefined ? '0' : new URL(url).port,
        },
        channel: true,
      });
      lock.remember(started);
      const ready = firstMessage(started).then((message) => ({ url } = message as { url: string }));
      ready.catch(() => undefined);
      return { ...started, ready };
    },
  });
  return { url: url ?? '', tokenFile, stop: () => kept.stop() };
}

/** The token is in its file alone: where that is gone the person gets another one. */
async function ensurePerson(
  { store, clock }: Pick<StartedInstallation['context'], 'store' | 'clock'>,
  tokenFile: string,
): Promise<void> {
  const isThere = (await readOperators(store)).has(person);
  if (isThere && existsSync(tokenFile)) return;
  const word = { name: person, who: 'temporal-dev.sh', why: 'the development installation' };
  if (isThere) await removeOperator({ store, clock }, word);
  const token = newOperatorToken(person, randomBytes);
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  await addOperator({ store, clock }, { ...word, role: 'admin', tokenHash: tokenHash(token) });
}
