/** Requests that one name may make: `burst` at once, `perSecond` in the long run. Bounded: of too many names the one seen longest ago goes. */
export class RateLimit {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #monotonicMs: () => number;
  readonly #left = new Map<string, { tokens: number; atMs: number }>();

  constructor(options: { readonly burst: number; readonly perSecond: number; readonly monotonicMs: () => number }) {
    this.#burst = options.burst;
    this.#perSecond = options.perSecond;
    this.#monotonicMs = options.monotonicMs;
  }

  /** 0 when this one may; else after how many milliseconds the next one may. */
  take(name: string): number {
    const atMs = this.#monotonicMs();
    const known = this.#left.get(name) ?? { tokens: this.#burst, atMs };
    const tokens = Math.min(this.#burst, known.tokens + ((atMs - known.atMs) / 1_000) * this.#perSecond);
    const isAllowed = tokens >= 1;
    this.#left.delete(name);
    this.#left.set(name, { tokens: isAllowed ? tokens - 1 : tokens, atMs });
    for (const oldest of this.#left.keys()) {
      if (this.#left.size <= mostNames) break;
      this.#left.delete(oldest);
    }
    return isAllowed ? 0 : ((1 - tokens) / this.#perSecond) * 1_000;
  }
}

const mostNames = 10_000;
