import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A process beside the supervisor that ends the supervisor's children once the supervisor is gone, whatever way it died. */
export interface Guard {
  readonly pid: () => number | undefined;
  /** These are the children now. */
  watch(pids: readonly number[]): void;
}

const restartMs = 1_000;

/**
 * Starts the guard; one that dies is started again. It needs no stop: it ends when this process ends, after the children it was
 * told of last. Children that were ended on purpose are to be taken off the list before.
 */
export function startGuard(graceSeconds = 15): Guard {
  const script = fileURLToPath(new URL('end-orphans.sh', import.meta.url));
  let last = '';
  let child: ChildProcess | undefined;
  const start = (): void => {
    const started = spawn('sh', [script, String(graceSeconds)], {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child = started;
    // A pipe to a guard that just died: its successor is told all of it.
    started.stdin.on('error', () => undefined);
    started.once('exit', again).once('error', again);
    started.unref();
    started.stdin.write(`${last}\n`);
  };
  let isWaiting = false;
  const again = (): void => {
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      start();
    }, restartMs).unref();
  };
  start();
  return {
    pid: () => child?.pid,
    watch(pids) {
      last = pids.join(' ');
      if (child?.stdin?.writable === true) child.stdin.write(`${last}\n`);
    },
  };
}
