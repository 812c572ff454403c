import type { Readable } from 'node:stream';

import { ConsoleError } from './errors.ts';

/** Answers that are streamed at once, of one person and of all: each holds a piece of a file in memory until it is taken. */
const mostOfOne = 8;
const mostOfAll = 32;

/** Counts the streams that are open; what would be one too many is refused. */
export class OpenStreams {
  readonly #open = new Map<string, number>();

  /** Before anything is read for it. */
  require(name: string): void {
    const all = [...this.#open.values()].reduce((sum, open) => sum + open, 0);
    if (all >= mostOfAll || (this.#open.get(name) ?? 0) >= mostOfOne)
      throw new ConsoleError('tooMany', 'too many clips are read at once; try again later', { retryAfterMs: 2_000 });
  }

  /** Counts the stream until it ends, however it does. */
  hold(name: string, stream: Readable): Readable {
    this.#open.set(name, (this.#open.get(name) ?? 0) + 1);
    return stream.once('close', () => {
      const left = (this.#open.get(name) ?? 1) - 1;
      if (left > 0) this.#open.set(name, left);
      else this.#open.delete(name);
    });
  }
}
