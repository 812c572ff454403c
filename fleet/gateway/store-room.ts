import { isStoreFull } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';

/** Writes come every few seconds: one that fails for want of room says how it is for so long. */
const holdsForMs = 60_000;

/** Whether there is room for what robots bring: in the store, and on the scratch disk. */
export class StoreRoom {
  readonly #monotonicMs: () => number;
  #fullAtMs = Number.NEGATIVE_INFINITY;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  get isFull(): boolean {
    return this.#monotonicMs() - this.#fullAtMs < holdsForMs;
  }

  /** Looks at an error of any write; true when it says that there is no room. */
  note(error: unknown): boolean {
    const isFull = isStoreFull(error);
    if (isFull) this.#fullAtMs = this.#monotonicMs();
    return isFull;
  }

  /** The same store, whose failed writes are looked at. */
  watched(store: ObjectStore): ObjectStore {
    const noted = async <Result>(write: Promise<Result>): Promise<Result> => {
      try {
        return await write;
      } catch (error) {
        this.note(error);
        throw error;
      }
    };
    return {
      get: (key, range) => store.get(key, range),
      list: (prefix, options) => store.list(prefix, options),
      delete: (key) => store.delete(key),
      localPath: (key) => store.localPath(key),
      put: (key, body) => noted(store.put(key, body)),
      putIfAbsent: (key, body) => noted(store.putIfAbsent(key, body)),
    };
  }
}
