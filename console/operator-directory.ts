import { readOperators, type Operator } from '../fleet/desk/operators.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** Who is taken away is out after this long at the latest. */
const knownForMs = 2_000;

/** Who may use the console, read anew every two seconds at most. Where the store does not answer nobody may. */
export class OperatorDirectory {
  readonly #store: ObjectStore;
  readonly #monotonicMs: () => number;
  #known: { readonly atMs: number; readonly operators: Promise<ReadonlyMap<string, Operator>> } | undefined;

  constructor({ store, monotonicMs }: { readonly store: ObjectStore; readonly monotonicMs: () => number }) {
    this.#store = store;
    this.#monotonicMs = monotonicMs;
  }

  /** Read anew: who acts must be there now. */
  findNow(name: string): Promise<Operator | undefined> {
    this.#known = undefined;
    return this.find(name);
  }

  async find(name: string): Promise<Operator | undefined> {
    const nowMs = this.#monotonicMs();
    if (this.#known === undefined || nowMs - this.#known.atMs > knownForMs) {
      const operators = readOperators(this.#store);
      const known = { atMs: nowMs, operators };
      this.#known = known;
      operators.catch(() => {
        if (this.#known === known) this.#known = undefined;
      });
    }
    return (await this.#known.operators).get(name);
  }
}
