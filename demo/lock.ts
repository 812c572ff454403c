import { execFileSync } from 'node:child_process';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import type { Guard } from './supervision/guard.ts';

const processSchema = z.strictObject({ name: z.string(), pid: z.int().positive(), startedAt: z.string() });
const lockSchema = z.strictObject({ supervisor: processSchema, children: z.array(processSchema) });

type ProcessRecord = z.infer<typeof processSchema>;

/**
 * When a process started, as the operating system tells it; tells a pid from a later process with the same number. One that ended
 * and waits for somebody to ask how (a zombie) is gone.
 */
function startTimeOf(pid: number): string | undefined {
  try {
    const options = ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)];
    const [state = '', ...startedAt] = execFileSync('ps', options, { encoding: 'utf8' }).trim().split(/\s+/);
    return state === '' || state.startsWith('Z') ? undefined : startedAt.join(' ');
  } catch (error) {
    const hasNoPs = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return hasNoPs && exists(pid) ? 'unknown' : undefined;
  }
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const isAlive = (record: ProcessRecord): boolean => startTimeOf(record.pid) === record.startedAt;
const recordOf = (name: string, pid: number): ProcessRecord => ({
  name,
  pid,
  startedAt: startTimeOf(pid) ?? 'unknown',
});

const lockFile = 'dev.lock.json';

export interface DevLock {
  /** Remembers a process this supervisor started until it ends, so that the guard, or the next start, can end it if this one is killed. */
  remember(child: { readonly name: string; readonly pid: number; readonly ended: Promise<unknown> }): void;
  /** Ends what is still there of the remembered, e.g. after a start that was cut short, and frees the folder. */
  release(): Promise<void>;
}

/**
 * Takes the state folder for this process; undefined with the holder's pid when another supervisor runs. Children that a
 * killed supervisor left behind are ended first, by pid and start time, nothing else is. `guard` is told who the children are.
 */
export function takeLock(directory: string, guard?: Pick<Guard, 'watch'>): { lock: DevLock } | { heldByPid: number } {
  const file = path.join(directory, lockFile);
  const left = read(file);
  if (left !== undefined) {
    if (isAlive(left.supervisor)) return { heldByPid: left.supervisor.pid };
    endAll(left.children.filter(isAlive));
    rmSync(file, { force: true });
  }
  let held: z.infer<typeof lockSchema> = { supervisor: recordOf('supervisor', process.pid), children: [] };
  const temporary = `${file}.${process.pid}`;
  const write = (target: string): void => writeFileSync(target, JSON.stringify(held), { mode: 0o600 });
  write(temporary);
  try {
    linkSync(temporary, file);
  } catch {
    const winner = read(file);
    return { heldByPid: winner?.supervisor.pid ?? 0 };
  } finally {
    rmSync(temporary, { force: true });
  }
  let isReleased = false;
  const keep = (children: readonly ProcessRecord[]): void => {
    held = { ...held, children: [...children] };
    guard?.watch(children.map(({ pid }) => pid));
    if (isReleased) return;
    try {
      write(temporary);
      renameSync(temporary, file);
    } catch {
      // On a full disk the guard still knows them.
    }
  };
  return {
    lock: {
      remember: ({ name, pid, ended }) => {
        if (pid <= 0) return;
        const record = recordOf(name, pid);
        keep([...held.children, record]);
        void ended.then(() => keep(held.children.filter((child) => child !== record)));
      },
      release: async () => {
        await endOwn(held.children.filter(isAlive));
        isReleased = true;
        rmSync(file, { force: true });
      },
    },
  };
}

/** Whether a supervisor runs on the folder. */
export function isHeld(directory: string): boolean {
  const held = read(path.join(directory, lockFile));
  return held !== undefined && isAlive(held.supervisor);
}

const patienceMs = 15_000;

/** One that ended meanwhile is what was wanted. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** SIGTERM, and SIGKILL for what is still there after 15 s. Own children are gone only when the event loop had its turn. */
async function endOwn(records: readonly ProcessRecord[]): Promise<void> {
  const deadlineMs = Date.now() + patienceMs;
  for (const { pid } of records) signal(pid, 'SIGTERM');
  for (let alive = records; alive.length > 0; alive = alive.filter(isAlive)) {
    if (Date.now() > deadlineMs) for (const { pid } of alive) signal(pid, 'SIGKILL');
    await sleep(100);
  }
}

/** The same for children of a supervisor that is gone, at once: nothing may be started beside what they left open. */
function endAll(records: readonly ProcessRecord[]): void {
  const deadlineMs = Date.now() + patienceMs;
  for (const { pid } of records) signal(pid, 'SIGTERM');
  for (let alive = records; alive.length > 0; alive = alive.filter(isAlive)) {
    if (Date.now() > deadlineMs) for (const { pid } of alive) signal(pid, 'SIGKILL');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

function read(file: string): z.infer<typeof lockSchema> | undefined {
  try {
    return lockSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
