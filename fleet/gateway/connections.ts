import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Knows a server's connections and which are busy, so that a stop waits for work and for nothing else. */
export class Connections {
  readonly #running = new Map<Socket, number>();
  #isClosing = false;

  watch(server: Server, { isTls }: { readonly isTls: boolean }): void {
    // Under TLS a request comes on a socket of its own, around the one that was accepted.
    server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#running.set(socket, 0);
      socket.once('close', () => this.#running.delete(socket));
      this.#closeIdle(socket);
    });
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      this.#running.set(socket, this.running(socket) + 1);
      response.once('close', () => {
        if (!this.#running.has(socket)) return;
        this.#running.set(socket, this.running(socket) - 1);
        this.#closeIdle(socket);
      });
    });
  }

  /** Requests of the connection that have no whole answer yet. */
  running(socket: Socket): number {
    return this.#running.get(socket) ?? 0;
  }

  /** Closes every connection without a request under way, now and as soon as one has answered. */
  closeWhenIdle(): void {
    this.#isClosing = true;
    for (const socket of this.#running.keys()) this.#closeIdle(socket);
  }

  #closeIdle(socket: Socket): void {
    if (this.#isClosing && this.running(socket) === 0) socket.destroySoon();
  }
}
