import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { ErrorAnswer } from '../protocol/index.ts';
import type { Connections } from './connections.ts';
import type { Metrics } from './metrics.ts';
import { WireError } from './wire-error.ts';

/** What is left of a refused connection is cut after this time, its other end having had time to read why. */
const lingerMs = 500;

interface RawPorts {
  readonly connections: Connections;
  readonly metrics: Metrics;
}

/** Answers what no route ever sees, in the protocol's form: bytes that are no HTTP, headers that are too long or too slow. */
export const answerClientError =
  ({ connections, metrics }: RawPorts) =>
  (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable || connections.running(socket) > 0) {
      // An answer in the place of an earlier request's would be taken for that one's.
      socket.destroy();
      return;
    }
    const { wire, status } = clientErrorOf(error.code);
    metrics.count('flywheel_gateway_refused_total', { type: wire.type });
    writeRaw(socket, wire, status);
  };

function clientErrorOf(code: string | undefined): { wire: WireError; status: number } {
  if (code === 'HPE_HEADER_OVERFLOW')
    return { wire: new WireError('tooLarge', 'expected at most 16 KiB of headers, got more'), status: 431 };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { wire: new WireError('tooSlow', 'expected a whole request in time'), status: 408 };
  return { wire: new WireError('malformed', 'expected an HTTP request'), status: 400 };
}

/** Ends a request whose body does not come: with an answer when none was begun, and the connection with it. */
export const answerSlowBody =
  ({ connections, metrics }: RawPorts) =>
  ({ socket }: IncomingMessage, response: ServerResponse): void => {
    metrics.count('flywheel_gateway_slow_bodies_total');
    if (response.headersSent || !socket.writable || connections.running(socket) > 1) {
      socket.destroy();
      return;
    }
    metrics.count('flywheel_gateway_refused_total', { type: 'tooSlow' });
    writeRaw(socket, new WireError('tooSlow', 'expected the body sooner; send it again over a faster line'), 408);
  };

/** Node.js would answer an `Expect` that is not `100-continue` without a body. */
export function refuseExpectations(server: Server): void {
  server.on('checkExpectation', ({ socket }: IncomingMessage) => {
    writeRaw(socket, new WireError('malformed', 'expected no Expect header but 100-continue'), 417);
  });
}

function writeRaw(socket: Socket, wire: WireError, status: number): void {
  const answer: ErrorAnswer = { error: { type: wire.type, message: wire.message } };
  const body = JSON.stringify(answer);
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(cut));
}
