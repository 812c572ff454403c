import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { ClipError } from '../../datasets/media/clip-format.ts';
import { reservedDataBytes } from '../../policies/child-node.ts';
import { failure } from '../../store/failures.ts';
import type { ClipDecoder } from '../ports/clip-decoder.ts';
import type { Progress } from '../ports/progress.ts';
import type { ClipAnswer, ClipJob } from './clip-child-messages.ts';

export interface ClipDecoderOptions {
  /** Decodes H.264 and AV1; without it such clips fail as `DecoderMissing`. */
  readonly ffmpeg: string | undefined;
  /** Data that the process, and ffmpeg beside it, may hold each, MiB. */
  readonly memoryLimitMiB?: number;
  /** From one image to the next. */
  readonly silenceLimitMs?: number;
  /** For a whole clip. */
  readonly timeLimitMs?: number;
}

const defaults = { memoryLimitMiB: 1024, silenceLimitMs: 60_000, timeLimitMs: 3_600_000 };
const heapMiB = 256;
const idleMs = 20_000;
const beatMs = 500;

type Final = Exclude<ClipAnswer, { kind: 'progress' }>;
type Limits = typeof defaults;

/**
 * Decodes clips in processes of their own: no environment, a limit on their data (RLIMIT_DATA), on time, and, by the clip's own size, on
 * pixels. A process is used for the next clip and ends when there is none for a while. A clip under which one dies is tried once
 * more in a fresh process, so that neither what an earlier clip left behind nor a bad moment of the machine is its fault.
 * https://man7.org/linux/man-pages/man2/getrlimit.2.html
 */
export function clipDecoderProcess({ ffmpeg, ...given }: ClipDecoderOptions): ClipDecoder {
  const limits = { ...defaults, ...given };
  const idle: ClipProcess[] = [];
  async function ask(job: ClipJob, progress: Progress): Promise<Final> {
    const answer = await askOne(awake(idle) ?? new ClipProcess(limits), job, progress);
    return isDeath(answer) ? askOne(new ClipProcess(limits), job, progress) : answer;
  }
  async function askOne(child: ClipProcess, job: ClipJob, progress: Progress): Promise<Final> {
    try {
      return await child.ask(job, progress);
    } finally {
      if (child.isAlive) {
        idle.push(child);
        child.rest(() => idle.splice(idle.indexOf(child), 1));
      }
    }
  }
  return {
    async decode(job, progress) {
      const answer = await ask({ kind: 'decode', ...job, ffmpeg }, progress);
      return answer.kind === 'decoded' ? answer.decoded : refuse(answer);
    },
    async look(clipPath, progress) {
      const answer = await ask({ kind: 'look', clipPath, ffmpeg }, progress);
      return answer.kind === 'look' ? answer.look : refuse(answer);
    },
  };
}

function awake(idle: ClipProcess[]): ClipProcess | undefined {
  for (let child = idle.pop(); child !== undefined; child = idle.pop()) if (child.isAlive) return child;
  return undefined;
}

function isDeath(answer: Final): boolean {
  return answer.kind === 'refused' && (answer.fault === 'crashed' || answer.fault === 'memoryLimit');
}

function refuse(answer: Final): never {
  if (answer.kind === 'refused') throw new ClipError(answer.fault, answer.message);
  if (answer.kind === 'decoderMissing')
    throw failure(
      'DecoderMissing',
      `expected an ffmpeg to decode ${answer.codec}, got none: set FLYWHEEL_FFMPEG (node tools/tool.ts ffmpeg prints a path), or install ffmpeg`,
    );
  throw new Error(answer.kind === 'failed' ? answer.message : `the process answered ${answer.kind}`);
}

/** One process; one job at a time. */
class ClipProcess {
  isAlive = true;
  private readonly child: ChildProcess;
  private readonly limits: Limits;
  private resting: NodeJS.Timeout | undefined;

  constructor(limits: Limits) {
    this.limits = limits;
    const program = fileURLToPath(new URL('./clip-child.ts', import.meta.url));
    const limitKiB = Math.ceil(reservedDataBytes() / 1024) + limits.memoryLimitMiB * 1024;
    const command = `ulimit -d ${limitKiB} && exec "$0" "$@"`;
    this.child = spawn(
      '/bin/sh',
      ['-c', command, process.execPath, `--max-old-space-size=${heapMiB}`, program],
      // A group of its own, so that ffmpeg ends with it.
      { cwd: '/', env: {}, detached: true, serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] },
    );
    this.child.once('exit', () => this.end());
    this.child.on('error', () => this.end());
  }

  /** Ends the process when it is not used again; it keeps no other process from ending. */
  rest(onEnd: () => void): void {
    this.child.unref();
    this.child.channel?.unref();
    this.resting = setTimeout(() => {
      onEnd();
      this.end();
    }, idleMs).unref();
  }

  ask(job: ClipJob, progress: Progress): Promise<Final> {
    clearTimeout(this.resting);
    this.child.ref();
    this.child.channel?.ref();
    const { child, limits } = this;
    const startMs = performance.now();
    let [heardMs, images] = [startMs, 0];
    return new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearInterval(beat);
        child.removeAllListeners('message');
        child.removeListener('exit', onExit);
        act();
      };
      const refused = (fault: 'crashed' | 'memoryLimit' | 'timeLimit', message: string): void =>
        finish(() => resolve({ kind: 'refused', fault, message }));
      const onExit = (code: number | null, signal: string | null): void => {
        // What runs out of memory aborts, or says so with one of these codes: Node.js 134 (SIGABRT), the allocator of libvips 5.
        if (signal === 'SIGABRT' || code === 134)
          refused('memoryLimit', `decoding took more than ${limits.memoryLimitMiB} MiB after image ${images}`);
        else refused('crashed', `decoding ended the process with ${signal ?? code} after image ${images}`);
      };
      const beat = setInterval(
        () => {
          try {
            progress({ stage: 'decoding', images });
          } catch (error) {
            this.end();
            finish(() => reject(error instanceof Error ? error : new Error(String(error))));
            return;
          }
          const nowMs = performance.now();
          if (nowMs - heardMs <= limits.silenceLimitMs && nowMs - startMs <= limits.timeLimitMs) return;
          this.end();
          refused(
            'timeLimit',
            `decoding was not through after ${Math.round((nowMs - startMs) / 1000)} s, at image ${images}`,
          );
        },
        Math.min(beatMs, limits.silenceLimitMs, limits.timeLimitMs),
      );
      child.on('message', (answer: ClipAnswer) => {
        heardMs = performance.now();
        if (answer.kind === 'progress') images = answer.images;
        else finish(() => resolve(answer));
      });
      child.once('exit', onExit);
      if (!this.isAlive) onExit(child.exitCode, child.signalCode);
      else child.send(job, () => undefined);
    });
  }

  private end(): void {
    this.isAlive = false;
    clearTimeout(this.resting);
    try {
      if (this.child.pid !== undefined) process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}
