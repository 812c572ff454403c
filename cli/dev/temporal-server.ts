import { Connection } from '@temporalio/client';

import { toolPath } from '../../tools/tool.ts';
import { searchAttributes } from '../../workflows/search-attributes.ts';
import { freePort, startProcess, waitUntil } from './processes.ts';

export interface TemporalServerOptions {
  readonly databaseFile: string;
  readonly logFile: string;
  /** Wanted ports; free ones are taken where these are absent or in use. */
  readonly port?: number;
  readonly uiPort?: number;
  readonly dynamicConfig?: Readonly<Record<string, string>>;
  /** Told the pid as soon as there is one. */
  readonly started?: (pid: number) => void;
}

export interface TemporalServer {
  readonly address: string;
  readonly uiUrl: string;
  readonly pid: number;
  readonly ended: Promise<string>;
  readonly stop: () => Promise<void>;
}

const startLimitMs = 60_000;

/** Starts a development server on a database file; going on with a file it wrote before resumes every workflow. */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const command = await toolPath('temporal');
  const port = await freePort(options.port);
  const uiPort = await freePort(options.uiPort);
  const dynamicConfig = { 'system.enableActivityEagerExecution': 'true', ...options.dynamicConfig };
  const started = startProcess({
    name: 'temporal server',
    command,
    logFile: options.logFile,
    args: [
      'server start-dev --ip 127.0.0.1 --log-level warn'.split(' '),
      ['--port', String(port), '--ui-port', String(uiPort), '--db-filename', options.databaseFile],
      Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
      Object.entries(dynamicConfig).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
    ].flat(),
  });
  options.started?.(started.pid);
  const address = `127.0.0.1:${port}`;
  const died = started.ended.then((sentence): never => {
    throw new Error(sentence);
  });
  try {
    await Promise.race([waitUntil(() => isServing(address), `a Temporal server on ${address}`, startLimitMs), died]);
  } catch (error) {
    await started.stop();
    throw error;
  }
  died.catch(() => undefined);
  return {
    address,
    uiUrl: `http://127.0.0.1:${uiPort}`,
    pid: started.pid,
    ended: started.ended,
    stop: () => started.stop(),
  };
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
