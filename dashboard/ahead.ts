import type { Answer, Reading } from './reading.ts';

/** What was asked for before anybody looks at it. */
interface Kept {
  readonly reading: Reading<unknown>;
  readonly readMs: number;
  /** Something changed since it was asked for. */
  readonly isOutdated: boolean;
}

interface Waiting {
  readonly end: AbortController;
  kept: Kept | null;
  isOutdated: boolean;
}

interface AheadPorts {
  readonly ask: (path: string, signal: AbortSignal) => Promise<Answer<unknown>>;
  readonly nowMs: () => number;
}

/**
 * Answers to what will be asked for next. Each path that is wanted is asked for once; a refusal is not kept, because whoever comes asks again and is told. What is
 * not wanted any more is forgotten.
 */
export class Ahead {
  readonly #ports: AheadPorts;
  readonly #paths = new Map<string, Waiting>();

  constructor(ports: AheadPorts) {
    this.#ports = ports;
  }

  /** These paths and no others; `onRead` is told of each answer that comes. */
  want(paths: readonly string[], onRead: (path: string, data: unknown) => void = () => undefined): void {
    for (const [path, { end }] of this.#paths)
      if (!paths.includes(path)) {
        end.abort();
        this.#paths.delete(path);
      }
    for (const path of paths) if (!this.#paths.has(path)) void this.#ask(path, onRead).catch(() => undefined);
  }

  async #ask(path: string, onRead: (path: string, data: unknown) => void): Promise<void> {
    const waiting: Waiting = { end: new AbortController(), kept: null, isOutdated: false };
    this.#paths.set(path, waiting);
    const answer = await this.#ports.ask(path, waiting.end.signal);
    if (waiting.end.signal.aborted) return;
    if (answer.kind !== 'read') {
      this.#paths.delete(path);
      return;
    }
    const readMs = this.#ports.nowMs();
    const reading = { data: answer.data, readMs, problem: null };
    waiting.kept = { reading, readMs, isOutdated: waiting.isOutdated };
    onRead(path, answer.data);
  }

  /** What is known of a path, however old; null: nothing yet. The same object each time. */
  take<T>(path: string): (Kept & { readonly reading: Reading<T> }) | null {
    return (this.#paths.get(path)?.kept ?? null) as (Kept & { readonly reading: Reading<T> }) | null;
  }

  /** Something changed: what is known may be from before, and is read again by whoever comes for it. */
  outdate(): void {
    for (const waiting of this.#paths.values()) {
      waiting.isOutdated = true;
      if (waiting.kept !== null) waiting.kept = { ...waiting.kept, isOutdated: true };
    }
  }

  end(): void {
    this.want([]);
  }
}
