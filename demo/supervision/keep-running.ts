import { setTimeout as sleep } from 'node:timers/promises';

/** A process that may die. */
export interface Mortal {
  /** Resolves when it does what it is for; rejects with a sentence when it ended before. */
  readonly ready: Promise<unknown>;
  /** Settles with a sentence when it ended, by itself or stopped. */
  readonly ended: Promise<string>;
  /** What it wrote last, a few lines. */
  readonly lastLines: () => readonly string[];
  readonly stop: (patienceMs?: number) => Promise<void>;
}

export interface BackOff {
  readonly firstMs: number;
  readonly longestMs: number;
  /** Who ran for so long begins again with `firstMs`. */
  readonly steadyMs: number;
}

export const restartBackOff: BackOff = { firstMs: 500, longestMs: 30_000, steadyMs: 60_000 };

export interface KeepOptions<T extends Mortal> {
  readonly name: string;
  readonly start: () => T;
  readonly say: (line: string) => void;
  readonly backOff?: BackOff;
}

/** A process that is started again whenever it ends though nobody asked for it. */
export interface Kept<T extends Mortal> {
  /** The process of now; undefined while there is none. */
  readonly now: () => T | undefined;
  /** Ends it, and nothing starts it again until `resume`. Default end: `stop`. */
  rest(end?: (running: T) => Promise<unknown>): Promise<void>;
  /** Starts it again after `rest`; resolves when it is ready. */
  resume(): Promise<void>;
  /** `rest`, with a patience. */
  stop(patienceMs?: number): Promise<void>;
}

/**
 * Starts a process and sees to it that there is one: its end is told with its last lines, and after a pause that grows from
 * `firstMs` to `longestMs` it is started again, without end. Rejects when the very first start fails: nothing relies on it yet.
 */
export async function keepRunning<T extends Mortal>(options: KeepOptions<T>): Promise<Kept<T>> {
  const { name, start, say, backOff = restartBackOff } = options;
  let running: T | undefined;
  let resting = new AbortController();
  let watching: Promise<void> = Promise.resolve();

  async function firstLife(): Promise<void> {
    resting = new AbortController();
    const first = start();
    running = first;
    try {
      await first.ready;
    } catch (error) {
      running = undefined;
      await first.stop();
      throw error;
    }
    watching = watch(resting.signal);
  }

  /** Until rest was asked for: waits for an end, tells it, starts again. */
  async function watch(signal: AbortSignal): Promise<void> {
    let failures = 0;
    let sinceMs = performance.now();
    while (running !== undefined) {
      const ending = running;
      const sentence = await ending.ended;
      running = undefined;
      if (signal.aborted) return;
      if (performance.now() - sinceMs >= backOff.steadyMs) failures = 0;
      const pauseMs = Math.min(backOff.longestMs, backOff.firstMs * 2 ** Math.min(failures, 20));
      failures += 1;
      say(
        [
          `${sentence}; it starts again in ${(pauseMs / 1_000).toFixed(1)} s.`,
          ...ending.lastLines().map((line) => `  | ${line}`),
        ].join('\n'),
      );
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const next = start();
      running = next;
      sinceMs = performance.now();
      next.ready.then(
        () => !signal.aborted && say(`${name} runs again.`),
        // It never came up: ended, its end is told like any other.
        () => next.stop(),
      );
    }
  }

  async function rest(end: (process: T) => Promise<unknown> = (process) => process.stop()): Promise<void> {
    resting.abort();
    if (running !== undefined) await end(running);
    await watching;
    running = undefined;
  }

  await firstLife();
  return {
    now: () => running,
    rest,
    resume: firstLife,
    stop: (patienceMs) => rest((process) => process.stop(patienceMs)),
  };
}
