import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { segmentJudge, type JudgeJob, type Judgement, type SegmentJudge } from '../collection/segment-judge.ts';
import { failure, isFailure } from '../../store/failures.ts';
import type { Progress } from '../ports/progress.ts';
import { duckDbEngine, type DuckDbEngineOptions } from './duckdb-engine.ts';
import { RestingChildren, ReusedChild } from './reused-child.ts';

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
type Final = Exclude<Answer, { kind: 'progress' }>;

const defaultEngineMiB = 1024;
const ownMiB = 1024;
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
  const judges = new RestingChildren(() => new Judge(options));
  return { judge: (job, progress) => judges.use((judge) => judge.judge(job, progress)) };
}

const died = (message: string): Final => ({ kind: 'failed', message, isTheEngine: true });

/** One process; one job at a time. */
class Judge {
  readonly process: ReusedChild;
  private readonly options: JudgeProcessOptions;

  constructor(options: JudgeProcessOptions) {
    this.options = options;
    const child = fork(fileURLToPath(import.meta.url), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [...process.execArgv, `--max-old-space-size=${ownMiB}`],
      // Foreign bytes find no secrets there.
      env: { PATH: process.env['PATH'], [childMark]: '1' },
    });
    this.process = new ReusedChild(child, () => child.kill('SIGKILL'));
    this.send({ options });
  }

  async judge(job: JudgeJob, progress: Progress): Promise<Judgement> {
    const answer = await this.answerTo(job, progress);
    if (answer.kind === 'judged') return answer.judgement;
    if (answer.isTheEngine) throw failure('EngineFailed', answer.message);
    throw new Error(answer.message);
  }

  private answerTo(job: JudgeJob, progress: Progress): Promise<Final> {
    const { silenceLimitMs = 300_000 } = this.options;
    let details: Readonly<Record<string, unknown>> = { stage: 'validating' };
    return this.process.follow<Answer, Final>({
      send: () => this.send({ job }),
      beat: () => progress(details),
      answerIn: (answer) => {
        if (answer.kind !== 'progress') return answer;
        details = answer.details;
        return undefined;
      },
      silenceLimitMs,
      timeLimitMs: Number.POSITIVE_INFINITY,
      ended: (code, signal) => died(`reading ended the process: ${describeEnd(code, signal, this.options)}`),
      overdue: () => died(`reading was not through after ${silenceLimitMs / 1000} s`),
    });
  }

  /** What cannot be sent shows as the process's end. */
  private send(order: Order): void {
    this.process.child.send(order, () => {});
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
