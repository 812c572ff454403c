import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { segmentJudge, type JudgeJob, type Judgement, type SegmentJudge } from '../collection/segment-judge.ts';
import { failure, isFailure } from '../../store/failures.ts';
import type { Progress } from '../ports/progress.ts';
import { duckDbEngine, type DuckDbEngineOptions } from './duckdb-engine.ts';

export interface JudgeProcessOptions extends DuckDbEngineOptions {
  /** Memory the process may hold in all, MiB; beyond it, it ends itself. Default: the engine's limit and 1,024. */
  readonly maxRssMiB?: number;
  /** A process that says nothing for so long is ended. */
  readonly silenceLimitMs?: number;
}

type Order = { readonly options: JudgeProcessOptions } | { readonly job: JudgeJob };
type Answer =
  | { readonly kind: 'progress'; readonly details: Readonly<Record<string, unknown>> }
  | { readonly kind: 'judged'; readonly judgement: Judgement }
  | { readonly kind: 'failed'; readonly message: string; readonly isTheEngine: boolean };

const defaultEngineMiB = 1024;
const ownMiB = 1024;
const idleMs = 20_000;
const beatMs = 500;
const memoryCheckMs = 20;
const tooMuchMemory = 70;

/**
 * Judges segments in a process of its own, so that bytes that crash the reader, or make it take memory or time without end,
 * take that process down and not the worker: it ends as `EngineFailed`, as everything that cannot be read does. The process
 * has none of the worker's environment, is used again for the next job, and ends when there is none for a while.
 * https://nodejs.org/api/child_process.html#child_processforkmodulepath-args-options
 */
export function segmentJudgeProcess(options: JudgeProcessOptions): SegmentJudge {
  const idle: Judge[] = [];
  return {
    judge: async (job, progress) => {
      const judge = awake(idle) ?? new Judge(options);
      try {
        return await judge.judge(job, progress);
      } finally {
        if (judge.isAlive) {
          idle.push(judge);
          judge.rest(() => idle.splice(idle.indexOf(judge), 1));
        }
      }
    },
  };
}

/** The last one used that still lives. */
function awake(idle: Judge[]): Judge | undefined {
  for (let judge = idle.pop(); judge !== undefined; judge = idle.pop()) if (judge.isAlive) return judge;
  return undefined;
}

/** One process; one job at a time. */
class Judge {
  isAlive = true;
  private readonly child: ChildProcess;
  private readonly options: JudgeProcessOptions;
  private resting: NodeJS.Timeout | undefined;

  constructor(options: JudgeProcessOptions) {
    this.options = options;
    this.child = fork(fileURLToPath(import.meta.url), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [...process.execArgv, `--max-old-space-size=${ownMiB}`],
      // Foreign bytes find no secrets there.
      env: { PATH: process.env['PATH'], [childMark]: '1' },
    });
    this.child.once('exit', () => (this.isAlive = false));
    this.child.on('error', () => (this.isAlive = false));
    this.send({ options });
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

  async judge(job: JudgeJob, progress: Progress): Promise<Judgement> {
    clearTimeout(this.resting);
    this.child.ref();
    this.child.channel?.ref();
    const answer = await this.answerTo(job, progress);
    if (answer.kind === 'judged') return answer.judgement;
    if (answer.isTheEngine) throw failure('EngineFailed', answer.message);
    throw new Error(answer.message);
  }

  private answerTo(job: JudgeJob, progress: Progress): Promise<Exclude<Answer, { kind: 'progress' }>> {
    const { child, options } = this;
    const { silenceLimitMs = 300_000 } = options;
    let details: Readonly<Record<string, unknown>> = { stage: 'validating' };
    let heardMs = performance.now();
    return new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearInterval(beat);
        child.removeAllListeners('message');
        child.removeListener('exit', onExit);
        act();
      };
      const died = (message: string): void => finish(() => resolve({ kind: 'failed', message, isTheEngine: true }));
      const onExit = (code: number | null, signal: string | null): void =>
        died(`reading ended the process: ${describeEnd(code, signal, options)}`);
      const beat = setInterval(() => {
        try {
          progress(details);
        } catch (error) {
          this.end();
          finish(() => reject(error instanceof Error ? error : new Error(String(error))));
        }
        if (performance.now() - heardMs <= silenceLimitMs) return;
        this.end();
        died(`reading was not through after ${silenceLimitMs / 1000} s`);
      }, beatMs);
      child.on('message', (answer: Answer) => {
        heardMs = performance.now();
        if (answer.kind !== 'progress') finish(() => resolve(answer));
        else details = answer.details;
      });
      child.once('exit', onExit);
      if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
      else this.send({ job });
    });
  }

  private end(): void {
    this.isAlive = false;
    this.child.kill('SIGKILL');
  }

  /** What cannot be sent shows as the process's end. */
  private send(order: Order): void {
    this.child.send(order, () => {});
  }
}

const maxRssMiBOf = ({ maxRssMiB, memoryLimitMiB = defaultEngineMiB }: JudgeProcessOptions): number =>
  maxRssMiB ?? memoryLimitMiB + ownMiB;

const describeEnd = (code: number | null, signal: string | null, options: JudgeProcessOptions): string =>
  code === tooMuchMemory ? `it took more than ${maxRssMiBOf(options)} MiB` : `it ended with ${signal ?? code}`;

const childMark = 'FLYWHEEL_SEGMENT_JUDGE';

const answer = (message: Answer): void => void process.send?.(message);

/** The child's side: options first, then jobs one after the other. */
function serve(): void {
  let judge: SegmentJudge | undefined;
  process.on('disconnect', () => process.exit(0));
  process.on('message', (order: Order) => {
    if ('options' in order) {
      judge = segmentJudge(duckDbEngine(order.options));
      watchMemory(maxRssMiBOf(order.options));
      return;
    }
    let lastMs = 0;
    const progress: Progress = (details) => {
      if (performance.now() - lastMs < beatMs) return;
      lastMs = performance.now();
      answer({ kind: 'progress', details });
    };
    judge?.judge(order.job, progress).then(
      (judgement) => answer({ kind: 'judged', judgement }),
      (error: unknown) =>
        answer({
          kind: 'failed',
          message: error instanceof Error ? error.message : String(error),
          isTheEngine: isFailure(error, 'EngineFailed'),
        }),
    );
  });
}

/** The engine works on threads of its own, so this timer is on time while it does. */
function watchMemory(maxMiB: number): void {
  setInterval(() => {
    if (process.memoryUsage.rss() > maxMiB * 1024 * 1024) process.exit(tooMuchMemory);
  }, memoryCheckMs).unref();
}

if (process.send !== undefined && process.env[childMark] === '1') serve();
