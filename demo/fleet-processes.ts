import path from 'node:path';
import { fileURLToPath } from 'node:url';

import type { DevLock } from './lock.ts';
import { firstMessage, giveWay, startProcess, type Started } from './processes.ts';
import type { Mortal } from './supervision/keep-running.ts';

export interface FleetProcessOptions {
  readonly stateDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly lock: Pick<DevLock, 'remember'>;
}

export interface GatewayPlace {
  /** For robots. */
  readonly url: string;
  /** For its metrics and documentation. */
  readonly operationsUrl: string;
}

export interface GatewayProcess extends Started, Mortal {
  /** Where it listens, once it does. */
  readonly ready: Promise<GatewayPlace>;
}

/** Starts a gateway, on a free port unless `settings` want one; `settings` are its `FLYWHEEL_GATEWAY_…`. */
export function startGatewayProcess(
  options: FleetProcessOptions,
  settings: Readonly<Record<string, string>> = {},
): GatewayProcess {
  const main = fileURLToPath(new URL('../workers/gateway.ts', import.meta.url));
  const gateway = startProcess({
    name: 'gateway',
    command: process.execPath,
    args: [main],
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
  options.lock.remember(gateway);
  const ready = firstMessage(gateway).then((message) => message as GatewayPlace);
  ready.catch(() => undefined);
  return { ...gateway, ready };
}

/** Starts `flywheel simulate`. Simulated robots give way to everything else on this machine. */
export function startSimulator(options: FleetProcessOptions, args: readonly string[]): Started & Mortal {
  const robots = startProcess({
    name: 'simulated robots',
    command: process.execPath,
    args: [fileURLToPath(new URL('../cli/main.ts', import.meta.url)), 'simulate', ...args],
    logFile: path.join(options.stateDirectory, 'logs', 'robots.log'),
    environment: options.environment,
    channel: true,
  });
  options.lock.remember(robots);
  giveWay(robots);
  return { ...robots, ready: Promise.resolve() };
}
