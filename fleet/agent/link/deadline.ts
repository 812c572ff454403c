/** Something did not answer in the time it had. */
export class DeadlineMissed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DeadlineMissed';
  }
}

/**
 * What the work gives, or the signal's reason as soon as it is aborted, whether the work heeds the signal or not. What comes
 * too late goes to `discard`; a failure that comes too late is nobody's any more.
 */
export async function orAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  discard: (late: T) => void = () => undefined,
): Promise<T> {
  let isOver = false;
  const late = async (): Promise<void> => {
    const value = await work;
    if (isOver) discard(value);
  };
  late().catch(() => undefined);
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([aborted, work]);
  } catch (cause) {
    isOver = true;
    throw cause;
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}

/** Does something with a signal that is aborted, with a `DeadlineMissed`, after `timeoutMs` or with the parent's reason. */
export async function withDeadline<T>(
  what: string,
  timeoutMs: number,
  parent: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const follow = (): void => stop.abort(parent?.reason);
  parent?.addEventListener('abort', follow, { once: true });
  if (parent?.aborted === true) follow();
  const cancelTimer = afterTime(timeoutMs, () =>
    stop.abort(new DeadlineMissed(`expected ${what} within ${timeoutMs} ms`)),
  );
  try {
    return await orAborted(work(stop.signal), stop.signal);
  } finally {
    cancelTimer();
    parent?.removeEventListener('abort', follow);
  }
}

/**
 * Calls back after a time, but never before an answer that came in time has been read: where this process itself was held up,
 * the answer may lie unread in its socket when the timer fires. Returns what cancels it.
 */
function afterTime(timeoutMs: number, onTime: () => void): () => void {
  let immediate: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    immediate = setImmediate(() => {
      immediate = setImmediate(onTime);
    });
  }, timeoutMs);
  return () => {
    clearTimeout(timer);
    if (immediate !== undefined) clearImmediate(immediate);
  };
}
