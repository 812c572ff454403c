import { dictionary } from '../../domain/dictionary.ts';
import { quoted, type NotTaken } from './import-summary.ts';

/** Different things that are listed as not taken; what comes beyond is only counted. */
const mostListed = 1_000;

/** Counts what an import handles by a rule and what it does not take. Its memory does not grow with the source. */
export class Tally {
  readonly #handled = new Map<string, number>();
  readonly #notTaken = new Map<string, { readonly entry: Omit<NotTaken, 'count'>; count: number }>();
  #notListed = 0;

  /** `name` is one of the program's own, never text of the source. */
  handled(name: string, count = 1): void {
    this.#handled.set(name, (this.#handled.get(name) ?? 0) + count);
  }

  /** `name` may be text of the source. */
  leftOut(what: NotTaken['what'], reason: string, name = '', count = 1): void {
    if (count === 0) return;
    const key = `${what}\n${reason}\n${name}`;
    const known = this.#notTaken.get(key);
    if (known !== undefined) known.count += count;
    else if (this.#notTaken.size >= mostListed) this.#notListed += count;
    else this.#notTaken.set(key, { entry: { what, name: name && quoted(name).slice(1, -1), reason }, count });
  }

  result(): {
    readonly handled: Readonly<Record<string, number>>;
    readonly notTaken: readonly NotTaken[];
    readonly notTakenNotListed: number;
  } {
    return {
      handled: dictionary([...this.#handled].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      notTaken: [...this.#notTaken.values()].map(({ entry, count }) => ({ ...entry, count })),
      notTakenNotListed: this.#notListed,
    };
  }
}
