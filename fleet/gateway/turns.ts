/** Lets so many pieces of work run at a time, the others in the order they came. Who calls bounds how many may wait. */
export class Turns {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // Who waited takes over the turn.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
