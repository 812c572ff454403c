import { auditKeys } from '../store/records/audit-entry.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** What pages are told of: something of it changed, read it again. */
export const topics = ['fleet', 'incidents', 'facts', 'models', 'cycles', 'tasks', 'audit'] as const;
export type Topic = (typeof topics)[number];

export interface Change {
  readonly topic: Topic;
  readonly policy: string | null;
}

type Listener = (change: Change) => void;

/**
 * Logs and documents whose newest key, or time, tells that something changed; by policy where there is one. Presence is none of them: gateways write it anew
 * every 15 s, so that it would tell of a change for ever; pages read it again by themselves.
 */
const watched: readonly (readonly [topic: Topic, prefix: (policy: string) => string])[] = [
  ['fleet', (policy) => `fleet/${policy}/assignments/`],
  ['fleet', (policy) => `freezes/${policy}/`],
  ['incidents', (policy) => `incidents/${policy}/`],
  ['facts', (policy) => `facts/${policy}/steps/`],
  ['models', (policy) => `registry/${policy}/aliases/`],
  ['tasks', (policy) => `config/tasks/${policy}/`],
  ['cycles', () => 'reports/'],
  ['audit', () => auditKeys.tail],
];

const lookEveryMs = 5_000;

/**
 * Looks at the store every five seconds while somebody listens, once for all who do, one look at a time, and tells what changed. What cannot be listed
 * tells nothing, and keeps nothing else from being told: the next look does.
 */
export class StoreWatch {
  readonly #store: ObjectStore;
  readonly #listeners = new Map<Listener, string>();
  readonly #marks = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor({ store }: { readonly store: ObjectStore }) {
    this.#store = store;
  }

  /** How many listen. */
  get size(): number {
    return this.#listeners.size;
  }

  /** Tells `listener` of changes of a policy from now on; gives what ends that. */
  listen(policy: string, listener: Listener): () => void {
    this.#listeners.set(listener, policy);
    this.#timer ??= setInterval(() => void this.look(), lookEveryMs).unref();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#marks.clear();
    };
  }

  /** One look, for those who listen now; the one under way, if there is one. */
  look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    for (const policy of new Set(this.#listeners.values()))
      for (const [topic, prefixOf] of watched) {
        const prefix = prefixOf(policy);
        const mark = await this.#markOf(prefix).catch(() => undefined);
        if (mark === undefined) continue;
        const before = this.#marks.get(prefix);
        this.#marks.set(prefix, mark);
        if (before === undefined || before === mark) continue;
        for (const [listener, of] of this.#listeners) if (of === policy) listener({ topic, policy });
      }
  }

  async #markOf(prefix: string): Promise<string> {
    let [count, last, newestMs] = [0, '', 0];
    for await (const { key, modifiedMs } of this.#store.list(prefix)) {
      count += 1;
      last = key;
      newestMs = Math.max(newestMs, modifiedMs);
    }
    return `${count} ${last} ${newestMs}`;
  }
}
