import type { Socket } from 'node:net';

import { WireError } from './wire-error.ts';

export interface RobotLimits {
  /** Requests a second over time, and at once. */
  readonly requestsPerSecond: number;
  readonly burstRequests: number;
  readonly maxConcurrentRequests: number;
  readonly maxConnections: number;
}

interface Usage {
  allowance: number;
  refilledMs: number;
  running: number;
  readonly sockets: Set<Socket>;
}

/** Callers that are remembered; beyond it those without anything running are forgotten. */
const maxRemembered = 50_000;

/** Counts what each caller (a robot, or an address that proved no robot yet) does, and refuses more than its share. */
export class UsageLimiter {
  readonly #limits: RobotLimits;
  readonly #monotonicMs: () => number;
  readonly #usages = new Map<string, Usage>();
  readonly #owners = new WeakMap<Socket, Usage>();

  constructor(limits: RobotLimits, monotonicMs: () => number) {
    this.#limits = limits;
    this.#monotonicMs = monotonicMs;
  }

  /** Admits one request or throws `tooManyRequests`; call the returned function once when the request ended. */
  admit(caller: string, socket: Socket): () => void {
    const { maxConcurrentRequests, maxConnections, requestsPerSecond } = this.#limits;
    const usage = this.#usageOf(caller);
    if (usage.allowance < 1)
      throw refusal('requests a second', requestsPerSecond, ((1 - usage.allowance) / requestsPerSecond) * 1000);
    if (usage.running >= maxConcurrentRequests) throw refusal('requests at once', maxConcurrentRequests, 1_000);
    if (!usage.sockets.has(socket) && usage.sockets.size >= maxConnections)
      throw refusal('connections', maxConnections, 5_000);
    usage.allowance -= 1;
    usage.running += 1;
    this.#watch(usage, socket);
    return () => {
      usage.running -= 1;
    };
  }

  /** A proxy sends many robots over one connection: it counts to the one that used it last. */
  #watch(usage: Usage, socket: Socket): void {
    const owner = this.#owners.get(socket);
    if (owner === usage) return;
    owner?.sockets.delete(socket);
    usage.sockets.add(socket);
    this.#owners.set(socket, usage);
    if (owner === undefined) socket.once('close', () => this.#owners.get(socket)?.sockets.delete(socket));
  }

  #usageOf(caller: string): Usage {
    const nowMs = this.#monotonicMs();
    const { requestsPerSecond, burstRequests } = this.#limits;
    const usage = this.#usages.get(caller) ?? {
      allowance: burstRequests,
      refilledMs: nowMs,
      running: 0,
      sockets: new Set<Socket>(),
    };
    const refill = ((nowMs - usage.refilledMs) / 1_000) * requestsPerSecond;
    usage.allowance = Math.min(burstRequests, usage.allowance + refill);
    usage.refilledMs = nowMs;
    if (this.#usages.size >= maxRemembered) this.#forgetIdle();
    this.#usages.set(caller, usage);
    return usage;
  }

  #forgetIdle(): void {
    for (const [caller, { running, sockets }] of this.#usages)
      if (running === 0 && sockets.size === 0) this.#usages.delete(caller);
  }
}

const refusal = (what: string, limit: number, retryAfterMs: number): WireError =>
  new WireError('tooManyRequests', `expected at most ${limit} ${what} of one caller, got more`, { retryAfterMs });

/** A budget of bytes that work in progress may hold; more is refused instead of queued. */
export class ByteBudget {
  readonly #maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes bytes or throws `overloaded`; call the returned function once to give them back. */
  take(sizeBytes: number): () => void {
    if (this.#heldBytes + sizeBytes > this.#maxBytes)
      throw new WireError('overloaded', 'the gateway’s upload budget is used up; try again later', {
        retryAfterMs: 2_000,
      });
    this.#heldBytes += sizeBytes;
    return () => {
      this.#heldBytes -= sizeBytes;
    };
  }
}
