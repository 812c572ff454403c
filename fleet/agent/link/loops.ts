import { GatewayError, UnreachedError } from '../gateway-client.ts';
import { backOffMs, createBell, type BackOffLimits, type Bell } from '../local/waiting.ts';

/** Loops that wait because the gateway could not be reached. */
export interface Outage {
  /** Until the wait is over, `bell` is rung when the gateway answers another loop. */
  waiting(loop: string, bell: Bell, wait: Promise<void>): Promise<void>;
  /** A gateway has answered: nobody has to wait any more. A loop that fails alone is not called: the outage is its own. */
  readonly over: () => void;
}

/** A gateway cannot keep a robot from asking for longer than this. */
const longestAskedMs = 60_000;

/** Large bodies fail on lines that carry small ones: these loops' failures alone are no outage. */
const heavyLoops: readonly string[] = ['upload', 'clip upload'];

export function createOutage(): Outage {
  const bells = new Map<string, Bell>();
  return {
    async waiting(loop, bell, wait) {
      bells.set(loop, bell);
      await wait;
      bells.delete(loop);
    },
    over() {
      if ([...bells.keys()].some((loop) => !heavyLoops.includes(loop))) for (const bell of bells.values()) bell.ring();
    },
  };
}

export interface LoopPorts {
  readonly signal: AbortSignal;
  readonly random: () => number;
  readonly backOff: BackOffLimits;
  readonly outage: Outage;
  readonly log: (line: string) => void;
}

/**
 * Does a step again and again until the signal ends it: after the time the step returns or a ring of its bell, whichever is
 * first; after a failure, when the back-off or the gateway's Retry-After is over, whatever rings, or when a gateway that could
 * not be reached is there again. Never rejects.
 */
export async function repeat(ports: LoopPorts, name: string, bell: Bell, step: () => Promise<number>): Promise<void> {
  const { signal } = ports;
  const silence = createBell();
  for (let failures = 0; !signal.aborted;) {
    try {
      const waitMs = await step();
      failures = 0;
      await bell.wait(waitMs, signal);
    } catch (cause) {
      if (signal.aborted) return;
      failures += 1;
      const waitMs = backOffMs(failures, ports.backOff, ports.random);
      const askedMs = Math.min(cause instanceof GatewayError ? (cause.retryAfterMs ?? 0) : 0, longestAskedMs);
      ports.log(`${name}: ${cause instanceof Error ? describe(cause) : String(cause)}`);
      const wait = silence.wait(Math.max(waitMs, askedMs * (1 + 0.1 * ports.random())), signal);
      await (cause instanceof UnreachedError ? ports.outage.waiting(name, silence, wait) : wait);
    }
  }
}

/** Does a step until it succeeds once or the signal ends it, with the waits of `repeat`. Never rejects. */
export async function untilDone(ports: LoopPorts, name: string, step: () => Promise<void>): Promise<void> {
  const over = new AbortController();
  const end = (): void => over.abort();
  ports.signal.addEventListener('abort', end, { once: true });
  if (ports.signal.aborted) end();
  await repeat({ ...ports, signal: over.signal }, name, createBell(), async () => {
    await step();
    end();
    return 0;
  });
  ports.signal.removeEventListener('abort', end);
}

const describe = (error: Error): string =>
  error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
