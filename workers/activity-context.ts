import { Context } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';

import type { Progress } from '../activities/ports/progress.ts';
import type { SqlEngine } from '../activities/ports/sql.ts';

const beatIntervalMs = 1_000;
const lastDetails = new WeakMap<Context, Readonly<Record<string, unknown>>>();

/** Progress of the activity that runs: shown in the UI with the next heartbeat; throws once the activity is cancelled. */
export const heartbeatProgress: Progress = (details) => {
  const context = Context.current();
  lastDetails.set(context, details);
  context.heartbeat(details);
  if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason;
};

/** Which attempt of the running activity this is, from 1. */
export const currentAttempt = (): number => Context.current().info.attempt;

/** Beats every second while an activity runs, so that a long SQL statement is no silence and a cancellation arrives within seconds. */
export const heartbeatingInterceptor: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    async execute(input, next) {
      if (context.info.heartbeatTimeoutMs === undefined) return next(input);
      const beat = setInterval(() => context.heartbeat(lastDetails.get(context)), beatIntervalMs);
      try {
        return await next(input);
      } finally {
        clearInterval(beat);
      }
    },
  },
});

/** The engine whose sessions stop their statement when the activity that opened them is cancelled. */
export const cancellableEngine = (engine: SqlEngine): SqlEngine => ({
  open: async (options) => {
    const { cancellationSignal } = Context.current();
    const session = await engine.open(options);
    const stop = (): void => session.interrupt();
    cancellationSignal.addEventListener('abort', stop);
    return {
      run: (sql) => orCancelled(cancellationSignal, () => session.run(sql)),
      rows: (sql) => orCancelled(cancellationSignal, () => session.rows(sql)),
      chunks: (sql) => session.chunks(sql),
      interrupt: () => session.interrupt(),
      close: async () => {
        cancellationSignal.removeEventListener('abort', stop);
        await session.close();
      },
    };
  },
});

/** A statement that fails because it was stopped ends the activity as cancelled, not as failed. */
async function orCancelled<T>(signal: AbortSignal, statement: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw signal.reason;
  try {
    return await statement();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error;
  }
}
