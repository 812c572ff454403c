import { carryError, revealError, type CarriedError } from './errors.ts';

type Message =
  | { readonly kind: 'call'; readonly id: number; readonly name: string; readonly input: readonly unknown[] }
  | { readonly kind: 'value'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: CarriedError };

/** The end of a channel to another thread, as `Worker` and `parentPort` are. */
export interface Port {
  postMessage(message: Message, transferred: readonly []): void;
  on(event: 'message', listener: (message: Message) => void): unknown;
}

type Handler = (...input: never[]) => unknown;

/**
 * One end of a line between two threads: either end calls functions of the other by name. What is sent is copied, so it has to be
 * plain data; what cannot be copied fails the call.
 */
export class Line {
  readonly #port: Port;
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #calls = 0;

  constructor(port: Port, handlers: Readonly<Record<string, Handler>>) {
    this.#port = port;
    this.#handlers = new Map(Object.entries(handlers));
    port.on('message', (message) => this.#take(message));
  }

  /** Calls that were not answered yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  call(name: string, ...input: readonly unknown[]): Promise<unknown> {
    const id = this.#calls++;
    const answered = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    try {
      this.#port.postMessage({ kind: 'call', id, name, input }, []);
    } catch (error) {
      this.#waiting.delete(id);
      throw error;
    }
    return answered;
  }

  /** The other end is gone: every call that waits fails. */
  cut(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #take(message: Message): void {
    if (message.kind === 'call') {
      void this.#answer(message.id, message.name, message.input);
      return;
    }
    const call = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'value') call?.resolve(message.value);
    else call?.reject(revealError(message.error));
  }

  async #answer(id: number, name: string, input: readonly unknown[]): Promise<void> {
    try {
      const handler = this.#handlers.get(name);
      if (handler === undefined) throw new Error(`expected a function the other thread has, got ${name}`);
      this.#port.postMessage({ kind: 'value', id, value: await handler(...(input as never[])) }, []);
    } catch (error) {
      this.#port.postMessage({ kind: 'error', id, error: carryError(error) }, []);
    }
  }
}
