import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Says one line to the person who waits. Never standard output: that carries the path alone. */
export type Report = (line: string) => void;

const heartbeatMs = 5_000;
const abandonedMs = 60_000;
const pollMs = 500;

/** The folder tools are kept in, shared by all checkouts of this user; made when missing. */
export async function toolCacheFolder(environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const base = environment['XDG_CACHE_HOME'];
  const cache = base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache');
  const folder = join(cache, 'flywheel', 'tools');
  await mkdir(folder, { recursive: true });
  return folder;
}

/** `<name>-<version>-<os>-<arch>-<hash>`: another version, machine or recipe never meets this one's file. */
export async function cacheName(name: string, version: string, recipeFiles: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of recipeFiles) hash.update(await readFile(file)).update('\0');
  return `${name}-${version}-${process.platform}-${process.arch}-${hash.digest('hex').slice(0, 12)}`;
}

export async function pathExists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/**
 * Returns `final`, made by `make(temporary)` when it is not there: at a temporary path beside it, renamed when whole.
 * Of several processes that ask at once one makes it and the others wait. The lock only saves work: should two
 * processes get past it, both make a whole one and the last rename stands.
 */
export async function makeOnce(
  final: string,
  report: Report,
  make: (temporary: string) => Promise<void>,
): Promise<string> {
  const lock = `${final}.lock`;
  let isWaitReported = false;
  while (!(await pathExists(final))) {
    if (await takeLock(lock)) {
      await withHeartbeat(lock, () => makeAndRename(final, make));
      break;
    }
    if (!isWaitReported) report(`another process is making ${final}; waiting for it`);
    isWaitReported = true;
    await sleep(pollMs);
  }
  return final;
}

async function makeAndRename(final: string, make: (temporary: string) => Promise<void>): Promise<void> {
  if (await pathExists(final)) return;
  await removeLeftovers(final);
  const temporary = `${final}.${process.pid}.tmp`;
  try {
    await make(temporary);
    await rename(temporary, final);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** What a killed process left half made. */
async function removeLeftovers(final: string): Promise<void> {
  const folder = dirname(final);
  for (const name of await readdir(folder)) {
    const [owner, ending, ...rest] = name.startsWith(`${basename(final)}.`)
      ? name.slice(basename(final).length + 1).split('.')
      : [];
    const isLeftover = ending === 'tmp' && rest.length === 0 && !isAlive(Number(owner));
    if (isLeftover) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Linked into place whole, so that nobody reads a lock without its owner's id. */
async function takeLock(lock: string): Promise<boolean> {
  const mine = `${lock}-${randomUUID()}`;
  await writeFile(mine, String(process.pid));
  try {
    await link(mine, lock);
    return true;
  } catch {
    if (await isAbandoned(lock)) await rm(lock, { force: true });
    return false;
  } finally {
    await rm(mine, { force: true });
  }
}

async function isAbandoned(lock: string): Promise<boolean> {
  const [owner, found] = await Promise.all([
    readFile(lock, 'utf8').catch(() => undefined),
    stat(lock).catch(() => undefined),
  ]);
  if (owner === undefined || found === undefined) return false;
  return !isAlive(Number(owner)) || Date.now() - found.mtimeMs > abandonedMs;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function withHeartbeat(lock: string, work: () => Promise<void>): Promise<void> {
  const beat = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => undefined), heartbeatMs);
  try {
    await work();
  } finally {
    clearInterval(beat);
    await rm(lock, { force: true });
  }
}
