import type { RetentionClass } from '../../domain/retention.ts';

/** What became of one class. */
export interface ClassReport {
  readonly class: RetentionClass;
  /** Fleet days; null: for ever. */
  readonly limitDays: number | null;
  /** What went, or in a dry run would go: objects; days of the lake for frames. */
  readonly objects: number;
  readonly bytes: number;
  /** When the oldest of it came to be; null: nothing goes. */
  readonly oldestMs: number | null;
  /** What was old enough and stayed, by reason; the first reasons only. */
  readonly kept: readonly { readonly why: string; readonly objects: number }[];
}

const mostReasons = 20;

/** Counts one class of a sweep. */
export class ClassTally {
  readonly #class: RetentionClass;
  readonly #limitDays: number | null;
  readonly #kept = new Map<string, number>();
  #objects = 0;
  #bytes = 0;
  #oldestMs: number | null = null;

  constructor(kind: RetentionClass, limitDays: number | null) {
    this.#class = kind;
    this.#limitDays = limitDays;
  }

  goes(atMs: number, bytes: number): void {
    this.#objects += 1;
    this.#bytes += bytes;
    this.#oldestMs = Math.min(this.#oldestMs ?? atMs, atMs);
  }

  stays(why: string): void {
    const known = this.#kept.has(why) || this.#kept.size < mostReasons ? why : 'other reasons';
    this.#kept.set(known, (this.#kept.get(known) ?? 0) + 1);
  }

  get objects(): number {
    return this.#objects;
  }

  report(): ClassReport {
    return {
      class: this.#class,
      limitDays: this.#limitDays,
      objects: this.#objects,
      bytes: this.#bytes,
      oldestMs: this.#oldestMs,
      kept: [...this.#kept].map(([why, objects]) => ({ why, objects })),
    };
  }
}
