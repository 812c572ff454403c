import { Worker } from 'node:worker_threads';

import type { JudgingActivities } from '../../activities/judging.ts';
import type { CyclesPort } from '../../activities/ports/cycles.ts';
import type { Fleet } from '../../fleet/desk/index.ts';
import { failure } from '../../store/failures.ts';
import type { HomeFunctions, ThreadSettings } from './home.ts';
import { Line } from './line.ts';

export interface JudgingThreadOptions {
  readonly settings: Omit<ThreadSettings, 'beatMs'>;
  readonly home: { readonly fleet: Pick<Fleet, 'refreshOrders'>; readonly loop: Pick<CyclesPort, 'cycles' | 'sight'> };
  readonly warn: (sentence: string) => void;
  /** A thread that is in one and the same step for so long is ended. */
  readonly silenceLimitMs?: number;
  /** Heap of the thread, MiB; beyond it, the thread ends and nothing else does. */
  readonly heapMiB?: number;
}

export interface JudgingThread {
  readonly activities: JudgingActivities;
  close(): Promise<void>;
}

const names = ['planTrial', 'collectCells', 'judgeTick', 'judgeLook', 'observeFleet', 'refreshFleetBaseline'] as const;
const watchMs = 1_000;

/**
 * The activities that read all that robots reported, in a thread of their own: whatever they read, and however long, the process
 * goes on with what takes robots back. A thread that runs out of memory, or is stuck, ends; what it worked on fails so that it is
 * tried again, and the next call begins a new one. Without native modules, which not every one can be in two threads.
 * https://nodejs.org/api/worker_threads.html#new-workerfilename-options
 */
export function judgingThread(options: JudgingThreadOptions): JudgingThread {
  let current: Started | undefined;
  const call = (name: string, input: unknown): Promise<unknown> => {
    current = current?.isAlive === true ? current : new Started(options);
    return current.call(name, input);
  };
  const activities = Object.fromEntries(names.map((name) => [name, (input: unknown) => call(name, input)]));
  return {
    activities: activities as unknown as JudgingActivities,
    close: async () => current?.end('the worker stops'),
  };
}

/** One thread, from its start to its end. */
class Started {
  isAlive = true;
  readonly #thread: Worker;
  readonly #line: Line;
  readonly #watch: NodeJS.Timeout;
  /** Undefined while it begins. */
  #heardMs: number | undefined;
  #why: string | undefined;

  constructor({ settings, home, warn, silenceLimitMs = 120_000, heapMiB = 2_048 }: JudgingThreadOptions) {
    const { store, scratchDirectory, keysDirectory } = settings;
    const beatMs = Math.min(watchMs, silenceLimitMs / 4);
    this.#thread = new Worker(new URL('./thread-main.ts', import.meta.url), {
      name: 'judging',
      workerData: { store, scratchDirectory, keysDirectory, beatMs } satisfies ThreadSettings,
      resourceLimits: { maxOldGenerationSizeMb: heapMiB },
    });
    const functions: HomeFunctions = {
      refreshOrders: (policy) => home.fleet.refreshOrders(policy),
      cycles: (policy) => home.loop.cycles(policy),
      sight: (policy, endedAfterMs) => home.loop.sight(policy, endedAfterMs),
    };
    const beat = (): void => void (this.#heardMs = performance.now());
    this.#line = new Line(this.#thread, { ...functions, beat });
    this.#watch = setInterval(
      () => {
        if (this.#line.waiting > 0 && performance.now() - (this.#heardMs ?? Number.NaN) > silenceLimitMs)
          void this.end(`it was in one step for more than ${silenceLimitMs / 1_000} s`);
      },
      Math.min(watchMs, silenceLimitMs),
    ).unref();
    this.#thread.on('error', (error) => (this.#why ??= error instanceof Error ? error.message : String(error)));
    this.#thread.on('exit', () => {
      const why = this.#why ?? 'it ended by itself';
      if (this.#line.waiting > 0)
        warn(`the thread that judges ended under its work, the next call begins a new one: ${why}`);
      this.#gone(why);
    });
    this.#thread.unref();
  }

  call(name: string, input: unknown): Promise<unknown> {
    // A thread that nobody asked anything had no reason to be heard of.
    if (this.#line.waiting === 0 && this.#heardMs !== undefined) this.#heardMs = performance.now();
    return this.#line.call(name, input);
  }

  async end(why: string): Promise<void> {
    this.#why ??= why;
    await this.#thread.terminate();
  }

  #gone(why: string): void {
    this.isAlive = false;
    clearInterval(this.#watch);
    this.#line.cut(failure('JudgingFailed', `expected an answer of the thread that judges, got none: ${why}`));
  }
}
