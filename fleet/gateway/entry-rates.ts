import { WireError } from './wire-error.ts';

export interface EntryRateLimits {
  /** Telemetry entries a second of one robot, over time. */
  readonly perSecond: number;
  /** And at once: what a robot brings that was without contact. */
  readonly burst: number;
}

/**
 * How fast one robot may bring telemetry. Whoever judges the fleet reads all that came since the last time, so this bounds what one
 * robot can add to every look and tick. A refused batch is sent again: nothing is lost, it comes later.
 */
export class EntryRates {
  readonly #limits: EntryRateLimits;
  readonly #monotonicMs: () => number;
  readonly #robots = new Map<string, { allowance: number; atMs: number }>();

  constructor(limits: EntryRateLimits, monotonicMs: () => number) {
    this.#limits = limits;
    this.#monotonicMs = monotonicMs;
  }

  /** Takes all of `entries` or throws `tooManyRequests` with the time after which there is room, and takes nothing. */
  take(robotId: string, entries: number): void {
    const { perSecond, burst } = this.#limits;
    const nowMs = this.#monotonicMs();
    const { allowance, atMs } = this.#robots.get(robotId) ?? { allowance: burst, atMs: nowMs };
    const left = Math.min(burst, allowance + ((nowMs - atMs) / 1_000) * perSecond);
    if (left < entries)
      throw new WireError(
        'tooManyRequests',
        `expected at most ${perSecond} telemetry entries a second of one robot, ${burst} at once, got more`,
        { retryAfterMs: ((entries - left) / perSecond) * 1_000 },
      );
    this.#robots.set(robotId, { allowance: left - entries, atMs: nowMs });
  }
}
