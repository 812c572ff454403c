import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { setPriority } from 'node:os';

import { logTail } from './supervision/log-tail.ts';

export interface Started {
  readonly name: string;
  readonly pid: number;
  /** Settles with a sentence when the process ends, by itself or stopped. */
  readonly ended: Promise<string>;
  /** SIGTERM, and after `patienceMs` SIGKILL; resolves when it is gone. */
  readonly stop: (patienceMs?: number) => Promise<void>;
  /** What it wrote last, a few lines. */
  readonly lastLines: () => readonly string[];
  readonly child: ChildProcess;
}

export interface StartOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Adds a message channel, which closes when this process dies. */
  readonly channel?: boolean;
}

/** Starts a process in a group of its own, so that Ctrl-C in the terminal reaches only the supervisor. */
export function startProcess(options: StartOptions): Started {
  const log = openSync(options.logFile, 'a', 0o600);
  const { size: logStart } = fstatSync(log);
  const spawnOptions: SpawnOptions = {
    detached: true,
    stdio: options.channel === true ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
    env: { ...process.env, ...options.environment },
  };
  const child = spawn(options.command, [...options.args], spawnOptions);
  closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`${options.name} could not start: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(
        `${options.name} ended with ${signal ?? `exit code ${code ?? 'unknown'}`}; its log is ${options.logFile}`,
      ),
    );
  });
  // A process that was killed leaves its own children to themselves: they are ended with it.
  void ended.then(() => endGroup(child.pid));
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null && child.pid !== undefined;
  return {
    name: options.name,
    pid: child.pid ?? 0,
    ended,
    child,
    lastLines: () => logTail(options.logFile, logStart),
    stop: async (patienceMs = 15_000) => {
      if (!isRunning()) return;
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await ended;
      clearTimeout(killer);
    },
  };
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody was left.
  }
}

/** Resolves with the first message of a process, which says that it does what it is for; rejects with the reason when it ends first. */
export function firstMessage({ child, ended }: Started): Promise<unknown> {
  const message = new Promise<unknown>((resolve, reject) => {
    child.once('message', resolve);
    void ended.then((sentence) => reject(new Error(sentence)));
  });
  message.catch(() => undefined);
  return message;
}

/** Lets everything else on this machine go first. */
export function giveWay({ pid }: Started, niceness = 10): void {
  try {
    if (pid > 0) setPriority(pid, niceness);
  } catch {
    // It ended already, which is told elsewhere.
  }
}

/** True when somebody listens on the local port. */
export const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** `wanted` when it is free, else a free port. */
export async function freePort(wanted?: number): Promise<number> {
  if (wanted !== undefined && !(await isListening(wanted))) return wanted;
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Asks again and again; after `limitMs` throws with what was expected, asked for then where it changes. */
export async function waitUntil(
  condition: () => Promise<boolean>,
  what: string | (() => string),
  limitMs: number,
  stepMs = 200,
): Promise<void> {
  const deadlineMs = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadlineMs)
      throw new Error(`expected ${typeof what === 'string' ? what : what()} within ${limitMs / 1000} s, got nothing`);
    await new Promise((resolve) => setTimeout(resolve, stepMs));
  }
}
