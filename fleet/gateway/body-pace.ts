import type { IncomingMessage, Server, ServerResponse } from 'node:http';

export interface BodyPaceOptions {
  /** A body may wait this long in all, and one second more for each `leastBytesPerSecond` that came. */
  readonly graceMs: number;
  readonly leastBytesPerSecond: number;
  readonly sweepMs: number;
  readonly monotonicMs: () => number;
  /** Called once for a body that is too slow. */
  readonly onSlow: (request: IncomingMessage, response: ServerResponse) => void;
}

interface Receiving {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly startBytes: number;
  waitedMs: number;
}

/**
 * Holds every body that comes to a least rate, whatever its path or framing, also one that is read only to be thrown away.
 * Time counts against the sender only while the gateway waits for bytes: not while the gateway's disk, or the gateway
 * itself, is the slower one.
 */
export class BodyPace {
  readonly #options: BodyPaceOptions;
  readonly #receiving = new Set<Receiving>();
  #sweptMs: number;

  constructor(options: BodyPaceOptions) {
    this.#options = options;
    this.#sweptMs = options.monotonicMs();
  }

  get receiving(): number {
    return this.#receiving.size;
  }

  watch(server: Server): void {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.take(request, response));
    const timer = setInterval(() => this.sweep(), this.#options.sweepMs);
    timer.unref();
    server.once('close', () => clearInterval(timer));
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
    if (length === '0' && encoding === undefined) return;
    const receiving = { request, response, startBytes: request.socket.bytesRead, waitedMs: 0 };
    this.#receiving.add(receiving);
    request.once('close', () => this.#receiving.delete(receiving));
  }

  sweep(): void {
    const { graceMs, leastBytesPerSecond, sweepMs, monotonicMs, onSlow } = this.#options;
    const nowMs = monotonicMs();
    // A process that stood still learns late of what came meanwhile.
    const elapsedMs = Math.min(nowMs - this.#sweptMs, 2 * sweepMs);
    this.#sweptMs = nowMs;
    for (const receiving of this.#receiving) {
      const { request, response, startBytes } = receiving;
      if (request.complete || request.destroyed) {
        this.#receiving.delete(receiving);
        continue;
      }
      if (request.readableLength < request.readableHighWaterMark) receiving.waitedMs += elapsedMs;
      const receivedBytes = request.socket.bytesRead - startBytes;
      if (receiving.waitedMs <= graceMs + (receivedBytes / leastBytesPerSecond) * 1_000) continue;
      this.#receiving.delete(receiving);
      onSlow(request, response);
    }
  }
}
