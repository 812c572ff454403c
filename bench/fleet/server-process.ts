import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface ServerProcess {
  readonly url: string;
  /** Where its metrics are; undefined for a server without any. */
  readonly operationsUrl: string | undefined;
  stop(): Promise<void>;
}

/** A gateway on the store as its own process. */
export const startBenchGateway = (
  directory: string,
  more: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> =>
  startServerProcess(join(root, 'workers/gateway.ts'), {
    FLYWHEEL_STORE: join(directory, 'store'),
    FLYWHEEL_SCRATCH: join(directory, 'scratch'),
    FLYWHEEL_LOG_LEVEL: 'error',
    FLYWHEEL_GATEWAY_ID: 'bench',
    FLYWHEEL_GATEWAY_PORT: '0',
    ...more,
  });

/** Starts a script that says `{url}` to its parent once it listens, and stops it with SIGTERM. */
export async function startServerProcess(
  script: string,
  environment: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [script], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const { url, operationsUrl } = await Promise.race([listening(child), ended(child)]);
  return {
    url,
    operationsUrl,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function listening(child: ChildProcess): Promise<{ url: string; operationsUrl?: string }> {
  const [message] = (await once(child, 'message')) as [{ url: string; operationsUrl?: string }];
  return message;
}

async function ended(child: ChildProcess): Promise<never> {
  const [code] = (await once(child, 'exit')) as [number | null];
  throw new Error(`expected a server process, got one that ended with code ${code ?? 'none'}`);
}
