import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { ClipError } from '../../datasets/media/clip-format.ts';
import { reservedDataBytes } from '../../policies/child-node.ts';
import { failure } from '../../store/failures.ts';
import type { ClipDecoder } from '../ports/clip-decoder.ts';
import type { Progress } from '../ports/progress.ts';
import type { ClipAnswer, ClipJob } from './clip-child-messages.ts';
import { RestingChildren, ReusedChild } from './reused-child.ts';

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

type Final = Exclude<ClipAnswer, { kind: 'progress' }>;
type Limits = typeof defaults;

/**
 * Decodes clips in processes of their own: no environment, a limit on their data (RLIMIT_DATA), on time, and, by the clip's own size, on
 * pixels. A process is used for the next clip and ends when there is none for a while. A clip under which one dies is tried once
 * more in a fresh process, so that neither what an earlier clip left behind nor a bad moment of the machine is its fault.
 * https://man7.org/linux/man-pages/man2/getrlimit.2.html
 */
export function clipDecoderProcess({ ffmpeg, ...given }: ClipDecoderOptions): ClipDecoder {
  const children = new RestingChildren(() => new ClipProcess({ ...defaults, ...given }));
  async function ask(job: ClipJob, progress: Progress): Promise<Final> {
    const answer = await children.use((child) => child.ask(job, progress));
    return isDeath(answer) ? children.use((child) => child.ask(job, progress), { isFresh: true }) : answer;
  }
  return {
    ...(ffmpeg === undefined ? {} : { largeClipsThrough: 'ffmpeg' }),
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

const refused = (fault: 'crashed' | 'memoryLimit' | 'timeLimit', message: string): Final => ({
  kind: 'refused',
  fault,
  message,
});

/** One process; one job at a time. */
class ClipProcess {
  readonly process: ReusedChild;
  private readonly limits: Limits;

  constructor(limits: Limits) {
    this.limits = limits;
    const program = fileURLToPath(new URL('./clip-child.ts', import.meta.url));
    const limitKiB = Math.ceil(reservedDataBytes() / 1024) + limits.memoryLimitMiB * 1024;
    const command = `ulimit -d ${limitKiB} && exec "$0" "$@"`;
    const child = spawn(
      '/bin/sh',
      ['-c', command, process.execPath, `--max-old-space-size=${heapMiB}`, program],
      // A group of its own, so that ffmpeg ends with it.
      { cwd: '/', env: {}, detached: true, serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] },
    );
    this.process = new ReusedChild(child, () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    });
  }

  ask(job: ClipJob, progress: Progress): Promise<Final> {
    const { memoryLimitMiB, silenceLimitMs, timeLimitMs } = this.limits;
    let images = 0;
    return this.process.follow<ClipAnswer, Final>({
      send: () => void this.process.child.send(job, () => undefined),
      beat: () => progress({ stage: 'decoding', images }),
      answerIn: (answer) => {
        if (answer.kind !== 'progress') return answer;
        images = answer.images;
        return undefined;
      },
      silenceLimitMs,
      timeLimitMs,
      // What runs out of memory aborts, or says so with one of these codes: Node.js 134 (SIGABRT), the allocator of libvips 5.
      ended: (code, signal) =>
        signal === 'SIGABRT' || code === 134
          ? refused('memoryLimit', `decoding took more than ${memoryLimitMiB} MiB after image ${images}`)
          : refused('crashed', `decoding ended the process with ${signal ?? code} after image ${images}`),
      overdue: (tookMs) =>
        refused('timeLimit', `decoding was not through after ${Math.round(tookMs / 1000)} s, at image ${images}`),
    });
  }
}
