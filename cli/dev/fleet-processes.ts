import { setPriority } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import type { DevLock } from './lock.ts';
import { startProcess, type Started } from './processes.ts';

export interface FleetProcessOptions {
  readonly stateDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly lock: Pick<DevLock, 'remember'>;
}

/** Starts a gateway, on a free port unless `settings` want one, and waits until it listens; `settings` are its `FLYWHEEL_GATEWAY_…`. */
export async function startGatewayProcess(
  options: FleetProcessOptions,
  settings: Readonly<Record<string, string>> = {},
): Promise<{ process: Started; url: string }> {
  const main = fileURLToPath(new URL('../../fleet/gateway/main.ts', import.meta.url));
  const gateway = startProcess({
    name: 'gateway',
    command: process.execPath,
    args: ['--import', 'tsx', main],
    logFile: path.join(options.stateDirectory, 'logs', 'gateway.log'),
    environment: {
      ...options.environment,
      FLYWHEEL_GATEWAY_HOST: '127.0.0.1',
      FLYWHEEL_GATEWAY_PORT: '0',
      FLYWHEEL_GATEWAY_ID: 'dev',
      FLYWHEEL_GATEWAY_PRESENCE_MS: '5000',
      ...settings,
    },
    channel: true,
  });
  options.lock.remember(gateway.name, gateway.pid);
  const ready = new Promise<string>((resolve, reject) => {
    gateway.child.once('message', (message) => resolve((message as { url: string }).url));
    void gateway.ended.then((sentence) => reject(new Error(sentence)));
  });
  return { process: gateway, url: await ready };
}

/** Starts `flywheel simulate`. Simulated robots give way to everything else on this machine. */
export function startSimulator(options: FleetProcessOptions, args: readonly string[]): Started {
  const robots = startProcess({
    name: 'simulated robots',
    command: process.execPath,
    args: ['--import', 'tsx', fileURLToPath(new URL('../main.ts', import.meta.url)), 'simulate', ...args],
    logFile: path.join(options.stateDirectory, 'logs', 'robots.log'),
    environment: options.environment,
    channel: true,
  });
  options.lock.remember(robots.name, robots.pid);
  if (robots.pid > 0) setPriority(robots.pid, 10);
  return robots;
}
