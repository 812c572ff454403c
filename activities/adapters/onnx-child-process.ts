import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { reservedDataBytes } from '../../policies/child-node.ts';
import type { ChildAnswer, ChildJob } from './onnx-child-messages.ts';

/** Data of the process (heap, buffers of the runtime) in MiB; a model of 64 MiB takes about 400. */
export const defaultMemoryLimitMiB = 2048;

export interface OnnxChild {
  /** Sends a job. The answer is one message that is no progress; rejects, in words, when the child ends or the time is over. */
  ask(
    job: ChildJob,
    limits: { readonly timeLimitMs: number; readonly onProgress?: (details: object) => void },
  ): Promise<ChildAnswer>;
  /** Ends the process, whatever it does, and deletes its folder. */
  close(): void;
}

/**
 * Starts a process in which a stranger's model may run: an empty folder of its own, no environment variables, a limit on its
 * memory (RLIMIT_DATA, set by the shell that becomes the process). A model that crashes, hangs or hoards takes this process
 * down and not the worker. Its standard output goes nowhere.
 * https://man7.org/linux/man-pages/man2/getrlimit.2.html
 */
export function openOnnxChild({ memoryLimitMiB = defaultMemoryLimitMiB } = {}): OnnxChild {
  const directory = mkdtempSync(join(tmpdir(), 'flywheel-model-'));
  const program = fileURLToPath(new URL('./onnx-child.ts', import.meta.url));
  const limitKiB = Math.ceil(reservedDataBytes() / 1024) + memoryLimitMiB * 1024;
  const child = spawn('/bin/sh', ['-c', `ulimit -d ${limitKiB} && exec "$0" "$@"`, process.execPath, program], {
    cwd: directory,
    env: {},
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = endOf(child);
  let isOpen = true;
  return {
    async ask(job, { timeLimitMs, onProgress }) {
      const over = new AbortController();
      try {
        const answer = answerOf(child, timeLimitMs, onProgress ?? ignore, over.signal);
        if (child.connected) child.send(job, ignore);
        return await Promise.race([answer, ended]);
      } finally {
        over.abort();
      }
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      child.kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const ignore = (): void => undefined;

/** The next message that is no progress; rejects when the time is over or `onProgress` throws. Stops listening when aborted. */
const answerOf = (
  child: ChildProcess,
  timeLimitMs: number,
  onProgress: (details: object) => void,
  over: AbortSignal,
): Promise<ChildAnswer> =>
  new Promise((resolve, reject) => {
    const hear = (message: ChildAnswer): void => {
      if (message.kind !== 'progress') return resolve(message);
      try {
        onProgress(message.details);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const limit = setTimeout(() => reject(new Error(`it was not through after ${timeLimitMs / 1000} s`)), timeLimitMs);
    const stop = (): void => {
      clearTimeout(limit);
      child.off('message', hear);
    };
    child.on('message', hear);
    over.addEventListener('abort', stop, { once: true });
  });

/** Rejects when the process ends, in words. */
function endOf(child: ChildProcess): Promise<never> {
  const ended = new Promise<never>((_, reject) => {
    child.on('error', (cause) => reject(new Error(`the runtime's process could not be started: ${cause.message}`)));
    child.on('exit', (code, signal) => reject(new Error(`the runtime's process ended with ${signal ?? code}`)));
  });
  // Nobody may be asking when it ends.
  ended.catch(() => undefined);
  return ended;
}
