import type { ObjectStore } from '../../store/object-store.ts';

export interface WriteStrainOptions {
  readonly monotonicMs: () => number;
  /** A write that takes longer is a strain. */
  readonly slowMs: number;
  /** How long after a slow one the strain is over. */
  readonly holdsForMs: number;
}

/** Whether writes that robots wait for are slow of late, or one is under way too long: then what can wait should. */
export class WriteStrain {
  readonly #options: WriteStrainOptions;
  readonly #running = new Map<Promise<unknown>, { readonly startMs: number }>();
  #slowAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: WriteStrainOptions) {
    this.#options = options;
  }

  get isHigh(): boolean {
    const { monotonicMs, slowMs, holdsForMs } = this.#options;
    const nowMs = monotonicMs();
    return (
      nowMs - this.#slowAtMs < holdsForMs || [...this.#running.values()].some(({ startMs }) => nowMs - startMs > slowMs)
    );
  }

  /** Resolves when the writes that are under way now are over; those that begin meanwhile do not count, so that nobody waits for ever. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.keys());
  }

  /** The same store, whose writes are timed. */
  watched(store: ObjectStore): ObjectStore {
    return {
      get: (key, range) => store.get(key, range),
      list: (prefix, options) => store.list(prefix, options),
      delete: (key) => store.delete(key),
      localPath: (key) => store.localPath(key),
      put: (key, body) => this.#timed(store.put(key, body)),
      putIfAbsent: (key, body) => this.#timed(store.putIfAbsent(key, body)),
    };
  }

  async #timed<Result>(write: Promise<Result>): Promise<Result> {
    const { monotonicMs, slowMs } = this.#options;
    const own = { startMs: monotonicMs() };
    this.#running.set(write, own);
    try {
      return await write;
    } finally {
      this.#running.delete(write);
      if (monotonicMs() - own.startMs > slowMs) this.#slowAtMs = monotonicMs();
    }
  }
}
