import type { ObjectStore } from '../../store/object-store.ts';
import { clipUsesPrefix } from '../../store/records/clip-uses.ts';
import { awaitedClipsPrefix, clipVerdictsPrefix } from '../../store/records/clip-verdicts.ts';

/**
 * Clips that robots brought and that no episode in the lake names: those without a verdict that are not awaited. Three listings side by side, whose
 * names are the same below their prefixes and in the same order; nothing is kept in memory.
 */
export async function countUnclaimedClips(store: ObjectStore): Promise<number> {
  const [awaited, judged] = [new Names(store, awaitedClipsPrefix), new Names(store, clipVerdictsPrefix)];
  let unclaimed = 0;
  for await (const { key } of store.list(clipUsesPrefix)) {
    const name = key.slice(clipUsesPrefix.length);
    if (!(await awaited.has(name)) && !(await judged.has(name))) unclaimed += 1;
  }
  return unclaimed;
}

/** A listing that is asked for rising names. */
class Names {
  readonly #prefix: string;
  readonly #keys: AsyncIterator<{ readonly key: string }>;
  /** Undefined: nothing was read yet; null: the listing is over. */
  #current: string | undefined | null;

  constructor(store: ObjectStore, prefix: string) {
    this.#prefix = prefix;
    this.#keys = store.list(prefix)[Symbol.asyncIterator]();
  }

  async has(name: string): Promise<boolean> {
    while (this.#current === undefined || (this.#current !== null && isBefore(this.#current, name))) {
      const next = await this.#keys.next();
      this.#current = next.done === true ? null : next.value.key.slice(this.#prefix.length);
    }
    return this.#current === name;
  }
}

/** In the order of bytes, as a store lists. */
function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}
