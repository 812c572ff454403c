import { Connection } from '@temporalio/client';

import { toolPath } from '../tools/tool.ts';
import { searchAttributes } from '../workflows/shared/search-attributes.ts';
import { freePort, startProcess, waitUntil } from './processes.ts';
import type { Mortal } from './supervision/keep-running.ts';

export interface TemporalServerOptions {
  readonly databaseFile: string;
  readonly logFile: string;
  /** Wanted ports; free ones are taken where these are absent or in use. */
  readonly port?: number;
  readonly uiPort?: number;
  readonly dynamicConfig?: Readonly<Record<string, string>>;
  /** Pragmas of its SQLite database, e.g. `synchronous=off` where nothing needs to outlive the machine. */
  readonly pragmas?: readonly string[];
  /** Besides this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface TemporalServer extends Mortal {
  readonly name: string;
  readonly address: string;
  readonly uiUrl: string;
  readonly pid: number;
}

const startLimitMs = 60_000;

/** Starts a development server on a database file; going on with a file it wrote before resumes every workflow. */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const [port, uiPort] = [await freePort(options.port), await freePort(options.uiPort)];
  const server = launchTemporalServer(await toolPath('temporal'), { ...options, port, uiPort });
  try {
    await server.ready;
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** The same with a given program, on just these ports; `ready` when it answers. */
export function launchTemporalServer(
  command: string,
  { port, uiPort, ...options }: TemporalServerOptions & { readonly port: number; readonly uiPort: number },
): TemporalServer {
  const dynamicConfig = { 'system.enableActivityEagerExecution': 'true', ...options.dynamicConfig };
  const started = startProcess({
    name: 'temporal server',
    command,
    logFile: options.logFile,
    ...(options.environment === undefined ? {} : { environment: options.environment }),
    args: [
      'server start-dev --ip 127.0.0.1 --log-level warn'.split(' '),
      ['--port', String(port), '--ui-port', String(uiPort), '--db-filename', options.databaseFile],
      Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
      (options.pragmas ?? []).flatMap((pragma) => ['--sqlite-pragma', pragma]),
      Object.entries(dynamicConfig).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
    ].flat(),
  });
  const address = `127.0.0.1:${port}`;
  let isOver = false;
  const died = started.ended.then((sentence): never => {
    isOver = true;
    throw new Error(sentence);
  });
  const answers = waitUntil(
    async () => isOver || (await isServing(address)),
    `a Temporal server on ${address}`,
    startLimitMs,
  );
  const ready = Promise.race([answers, died]);
  for (const promise of [answers, died, ready]) promise.catch(() => undefined);
  return { ...started, address, uiUrl: `http://127.0.0.1:${uiPort}`, ready };
}

async function isServing(address: string): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: '2 seconds' });
    try {
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}
