import type { Server } from 'node:http';
import type { Socket } from 'node:net';

import { addressShare } from './addresses.ts';

export interface UnprovenSocketsOptions {
  /** Of one address. */
  readonly maxPerAddress: number;
  /** Of all addresses. */
  readonly maxSockets: number;
  readonly onCut: () => void;
}

/**
 * Bounds the connections on which no robot has proved itself yet, of one address and of all. The oldest one beyond the
 * bound is cut, not the newest refused: a robot sends its token at once, so whoever only holds connections open pushes out
 * their own. Connections of proved robots do not count here.
 */
export class UnprovenSockets {
  readonly #options: UnprovenSocketsOptions;
  /** By peer; a TLS connection and the TCP connection below it have the same peer. Oldest first. */
  readonly #sockets = new Map<string, Socket>();
  readonly #byAddress = new Map<string, Set<string>>();

  constructor(options: UnprovenSocketsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sockets.size;
  }

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.take(socket));
  }

  take(socket: Socket): void {
    const peer = peerOf(socket);
    const address = addressShare(socket.remoteAddress);
    const ofAddress = this.#byAddress.get(address) ?? new Set<string>();
    this.#byAddress.set(address, ofAddress);
    this.#sockets.set(peer, socket);
    ofAddress.add(peer);
    socket.once('close', () => {
      if (this.#sockets.get(peer) === socket) this.#forget(peer, address);
    });
    if (ofAddress.size > this.#options.maxPerAddress) this.#cut(ofAddress.values().next().value, address);
    if (this.#sockets.size > this.#options.maxSockets) {
      const [oldest, cut] = this.#sockets.entries().next().value ?? [];
      this.#cut(oldest, addressShare(cut?.remoteAddress));
    }
  }

  /** A robot showed its token on this connection: from now on it counts to the robot. */
  proved(socket: Socket): void {
    this.#forget(peerOf(socket), addressShare(socket.remoteAddress));
  }

  #cut(peer: string | undefined, address: string): void {
    const socket = peer === undefined ? undefined : this.#sockets.get(peer);
    if (peer === undefined || socket === undefined) return;
    this.#forget(peer, address);
    socket.destroy();
    this.#options.onCut();
  }

  #forget(peer: string, address: string): void {
    this.#sockets.delete(peer);
    const ofAddress = this.#byAddress.get(address);
    ofAddress?.delete(peer);
    if (ofAddress?.size === 0) this.#byAddress.delete(address);
  }
}

const peerOf = (socket: Socket): string => `${socket.remoteAddress ?? ''} ${socket.remotePort ?? ''}`;
