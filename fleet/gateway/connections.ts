import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Knows the server's connections and which are busy, so that a stop waits for work and for nothing else. */
export interface Connections {
  /** Closes every connection without a request under way, now and as soon as one has answered. */
  closeWhenIdle(): void;
}

export function watchConnections(server: Server, { isTls }: { readonly isTls: boolean }): Connections {
  const running = new Map<Socket, number>();
  let isClosing = false;
  const closeIdle = (socket: Socket): void => {
    if (isClosing && (running.get(socket) ?? 0) === 0) socket.destroySoon();
  };
  // Under TLS a request comes on a socket of its own, around the one that was accepted.
  server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
    running.set(socket, 0);
    socket.once('close', () => running.delete(socket));
    closeIdle(socket);
  });
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    running.set(socket, (running.get(socket) ?? 0) + 1);
    response.once('close', () => {
      if (!running.has(socket)) return;
      running.set(socket, (running.get(socket) ?? 1) - 1);
      closeIdle(socket);
    });
  });
  return {
    closeWhenIdle() {
      isClosing = true;
      for (const socket of running.keys()) closeIdle(socket);
    },
  };
}
