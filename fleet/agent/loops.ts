import { GatewayError } from './gateway-client.ts';
import { backOffMs, createBell, type BackOffLimits, type Bell } from './waiting.ts';

export interface LoopPorts {
  readonly signal: AbortSignal;
  readonly random: () => number;
  readonly backOff: BackOffLimits;
  readonly log: (line: string) => void;
}

/**
 * Does a step again and again until the signal ends it: after the time the step returns or a ring of its bell, whichever is
 * first; after a failure, when the back-off or the gateway's Retry-After is over, whatever rings. Never rejects.
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
      const askedMs = cause instanceof GatewayError ? (cause.retryAfterMs ?? 0) : 0;
      ports.log(`${name}: ${cause instanceof Error ? describe(cause) : String(cause)}`);
      await silence.wait(Math.max(waitMs, askedMs * (1 + 0.1 * ports.random())), signal);
    }
  }
}

const describe = (error: Error): string =>
  error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
