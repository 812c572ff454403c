export interface BackOffLimits {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * How long to wait after the n-th failure in a row (from 1): a random part, at least a tenth, of a span that doubles up to
 * the longest; so a fleet that lost its gateway does not come back in one instant. `random` is in [0, 1).
 */
export function backOffMs(failures: number, limits: BackOffLimits, random: () => number): number {
  const spanMs = Math.min(limits.longestMs, limits.firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return Math.round(spanMs * (0.1 + 0.9 * random()));
}

/** Lets one loop wait for a time or for something to do, whichever is first. A ring while nobody waits is not lost. */
export interface Bell {
  ring(): void;
  /** Resolves after the time, a ring, or the end of the signal; never rejects. */
  wait(timeMs: number, signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let isRung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      isRung = true;
      wake?.();
    },
    async wait(timeMs, signal) {
      if (!isRung && !signal.aborted)
        await new Promise<void>((resolve) => {
          const done = (): void => {
            clearTimeout(timer);
            signal.removeEventListener('abort', done);
            wake = undefined;
            resolve();
          };
          const timer = setTimeout(done, timeMs);
          signal.addEventListener('abort', done, { once: true });
          wake = done;
        });
      isRung = false;
    },
  };
}

/** Runs jobs one after the other, whatever their number and however they end. */
export function createQueue(): <T>(job: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (job) => {
    const next = last.then(job, job);
    last = next.catch(() => undefined);
    return next;
  };
}
