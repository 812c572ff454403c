import { accessSync, constants, existsSync, mkdirSync, statfsSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import path from 'node:path';

import { readGatewaySettings, withoutGatewaySettings } from '../fleet/gateway/settings.ts';
import { readSettings, type Settings } from '../workers/config.ts';
import { openStore } from '../workers/compose.ts';
import { unknownSettings } from '../workers/known-settings.ts';
import type { DevOptions } from './options.ts';

export interface Preflight {
  /** Nothing may be started. */
  readonly wrong: readonly string[];
  /** Worth knowing. */
  readonly notes: readonly string[];
}

export interface Machine {
  readonly memoryBytes: number;
  /** Bytes that may still be written below a folder that is there. */
  readonly freeBytes: (folder: string) => number;
  /** Asks whether the store answers; rejects with what is wrong. */
  readonly askStore: (settings: Settings) => Promise<unknown>;
}

const gib = 2 ** 30;
/** A scenario writes about 1 GiB an hour before the first sweep. */
const leastFreeBytes = gib;
const wantedFreeBytes = 5 * gib;
const wantedMemoryBytes = 4 * gib;
const storeLimitMs = 10_000;

const thisMachine: Machine = {
  memoryBytes: totalmem(),
  freeBytes(folder) {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  },
  askStore: async (settings) => (await openStore(settings)).get('aliases/preflight'),
};

/** Checks what can be wrong before anything that takes time is begun: settings, folders, disk, store. Makes the state folder only. */
export async function preflight(
  options: Pick<DevOptions, 'stateDirectory' | 'scenario'>,
  environment: Readonly<Record<string, string | undefined>>,
  machine: Machine = thisMachine,
): Promise<Preflight> {
  const wrong: string[] = [...unknownSettings(environment)];
  const notes: string[] = [];
  const check = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      wrong.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  // Names were checked above, each with what it might have meant.
  const known = Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => unknownSettings({ [name]: value }).length === 0),
  );
  check(() => readGatewaySettings(known));
  const settings = check(() => readSettings(withoutGatewaySettings(known)));
  if (environment['FLYWHEEL_METRICS_ADDRESS'] !== undefined)
    wrong.push(
      'FLYWHEEL_METRICS_ADDRESS: expected no value, because three workers start here and cannot share one address',
    );
  if (environment['FLYWHEEL_STORE'] !== undefined && options.scenario !== undefined)
    wrong.push('FLYWHEEL_STORE: expected no value with --scenario, which starts with an empty store');
  if (environment['FLYWHEEL_TEMPORAL_ADDRESS'] !== undefined)
    notes.push(
      'FLYWHEEL_TEMPORAL_ADDRESS is set: this script starts another server, but commands in this shell will use the one that is set',
    );
  const { stateDirectory } = options;
  if (check(() => makeWritable(stateDirectory)) === 'writable') spaceOf(stateDirectory, machine, { wrong, notes });
  if (machine.memoryBytes < wantedMemoryBytes)
    notes.push(
      `this machine has ${inGib(machine.memoryBytes)} of memory; with less than 4 GiB the system may kill workers`,
    );
  if (settings !== undefined && environment['FLYWHEEL_STORE'] !== undefined && wrong.length === 0)
    await withinLimit(machine.askStore(settings)).catch((error: unknown) =>
      wrong.push(
        `FLYWHEEL_STORE ${environment['FLYWHEEL_STORE'] ?? ''}: ${error instanceof Error ? error.message : String(error)}`,
      ),
    );
  return { wrong, notes };
}

/** One folder after the other: Node's own `recursive` never returns below /proc. */
function makeWritable(folder: string): 'writable' {
  if (path.dirname(folder) !== folder && !existsSync(folder)) makeWritable(path.dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return 'writable';
    if (existsSync(folder)) throw new Error(`--state: expected a folder, got the file ${folder}`, { cause });
    throw new Error(`--state: expected a folder that can be created, got ${(cause as Error).message}`, { cause });
  }
  return 'writable';
}

function spaceOf(folder: string, machine: Machine, { wrong, notes }: { wrong: string[]; notes: string[] }): void {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    wrong.push(`--state: expected a writable folder, got ${folder}`);
    return;
  }
  const freeBytes = machine.freeBytes(folder);
  if (freeBytes < leastFreeBytes)
    wrong.push(`--state: expected at least 1 GiB free at ${folder}, got ${inGib(freeBytes)}`);
  else if (freeBytes < wantedFreeBytes)
    notes.push(`${inGib(freeBytes)} are free at ${folder}; the demo writes about 1 GiB per hour`);
}

const inGib = (bytes: number): string => `${(bytes / gib).toFixed(1)} GiB`;

async function withinLimit(asking: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`expected an answer within ${storeLimitMs / 1_000} s, got none`)),
      storeLimitMs,
    );
  });
  try {
    await Promise.race([asking, late]);
  } finally {
    clearTimeout(timer);
  }
}
