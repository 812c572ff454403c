import type { Clock } from '../../store/clock.ts';
import { WireError } from './wire-error.ts';

/** What is counted of a robot and day, and the most of each. */
export interface QuotaLimits {
  readonly uploadBytes: number;
  readonly segments: number;
  readonly telemetryEntries: number;
  readonly installReports: number;
  readonly clipBytes: number;
  readonly clips: number;
}

export type QuotaUse = Partial<Record<keyof QuotaLimits, number>>;

const dayMs = 24 * 3_600_000;
/** Asked to wait no longer, whatever the hour. */
const maxRetryAfterMs = 3_600_000;
const words: Readonly<Record<keyof QuotaLimits, string>> = {
  uploadBytes: 'bytes of segments',
  segments: 'segments',
  telemetryEntries: 'telemetry entries',
  installReports: 'install reports',
  clipBytes: 'bytes of clips',
  clips: 'clips',
};
const nothing: Readonly<Record<keyof QuotaLimits, number>> = {
  uploadBytes: 0,
  segments: 0,
  telemetryEntries: 0,
  installReports: 0,
  clipBytes: 0,
  clips: 0,
};

/**
 * How much one robot may put into the store within a day (UTC, by the gateway's clock), through this gateway; in memory, so a
 * restart begins the day anew. Far above what a sound robot brings: it bounds what a hostile or broken one costs.
 */
export class DailyQuotas {
  readonly #limits: QuotaLimits;
  readonly #clock: Clock;
  readonly #used = new Map<string, Record<keyof QuotaLimits, number>>();
  #day = Number.NaN;

  constructor(limits: QuotaLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Takes all of `use` or throws `tooManyRequests`, for clips `mediaQuota`, and takes nothing; the returned function gives it back. */
  take(robotId: string, use: QuotaUse): () => void {
    const nowMs = this.#clock();
    const day = Math.floor(nowMs / dayMs);
    if (day !== this.#day) this.#used.clear();
    this.#day = day;
    const used = this.#used.get(robotId) ?? { ...nothing };
    const entries = Object.entries(use) as [keyof QuotaLimits, number][];
    for (const [kind, amount] of entries)
      if (used[kind] + amount > this.#limits[kind])
        throw new WireError(
          kind === 'clipBytes' || kind === 'clips' ? 'mediaQuota' : 'tooManyRequests',
          `expected at most ${this.#limits[kind]} ${words[kind]} of one robot a day, got more`,
          { retryAfterMs: Math.min((day + 1) * dayMs - nowMs, maxRetryAfterMs) },
        );
    for (const [kind, amount] of entries) used[kind] += amount;
    this.#used.set(robotId, used);
    return () => {
      for (const [kind, amount] of entries) used[kind] -= amount;
    };
  }
}
