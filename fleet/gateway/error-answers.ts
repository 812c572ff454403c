import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { isFailure, isStoreFull } from '../../store/failures.ts';
import type { ErrorAnswer } from '../protocol/index.ts';
import type { GatewayContext } from './context.ts';
import { isOfRobot } from './request-robot.ts';
import { WireError } from './wire-error.ts';

/** An early answer to a robot's longer body closes the connection instead of reading the rest away. */
const drainableBytes = 128 * 1024 * 1024;

interface ErrorPorts {
  readonly metrics: GatewayContext['metrics'];
  readonly log: GatewayContext['log'];
  readonly room: GatewayContext['room'];
}

/** For what the framework refuses before any hook: a path that cannot be decoded, a part of it that is too long. */
export const frameworkErrors =
  (ports: ErrorPorts, refuse: (request: FastifyRequest, error: WireError) => WireError) =>
  (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void =>
    void sendError(refuse(request, wireErrorOf(error)), request, reply, ports);

/** Turns whatever went wrong into the protocol's words. What is our fault is logged, and not told to the robot. */
export function answerErrors(app: FastifyInstance, ports: ErrorPorts): void {
  app.setErrorHandler(async (error, request, reply) => {
    ports.room.note(error);
    const wire = wireErrorOf(error as FastifyError);
    if (wire.status >= 500) {
      const line = { err: error, method: request.method, route: request.routeOptions.url };
      ports.log[wire.type === 'internal' ? 'error' : 'warn'](line, 'request failed');
    }
    return sendError(wire, request, reply, ports);
  });
  app.setNotFoundHandler(async (request, reply) =>
    sendError(new WireError('notFound', 'expected a path of this API; see docs/gateway.md'), request, reply, ports),
  );
}

function sendError(wire: WireError, request: FastifyRequest, reply: FastifyReply, ports: ErrorPorts) {
  ports.metrics.count('flywheel_gateway_refused_total', { type: wire.type });
  const retryAfterMs = wire.retryAfterMs ?? (wire.status === 503 || wire.status === 429 ? 1_000 : undefined);
  if (retryAfterMs !== undefined) void reply.header('retry-after', Math.max(1, Math.ceil(retryAfterMs / 1_000)));
  if (wire.status === 401) void reply.header('www-authenticate', 'Bearer');
  // A connection of nobody in particular is not kept for what else may come.
  const isLong = Number(request.headers['content-length'] ?? 0) > drainableBytes;
  if (isLong || (wire.status < 500 && !isOfRobot(request))) void reply.header('connection', 'close');
  const answer: ErrorAnswer = { error: { type: wire.type, message: wire.message.slice(0, 2_000) } };
  return reply.code(wire.status).type('application/json; charset=utf-8').send(answer);
}

function wireErrorOf(error: FastifyError): WireError {
  if (error instanceof WireError) return error;
  if (isStoreFull(error))
    return new WireError('storeFull', 'the store is full; keep the data until there is space', {
      retryAfterMs: 60_000,
      cause: error,
    });
  if (isFailure(error, 'StoreUnavailable'))
    return new WireError('overloaded', 'the object store does not answer; try again later', {
      retryAfterMs: 5_000,
      cause: error,
    });
  if (error.validation !== undefined) return new WireError('malformed', error.message, { cause: error });
  if (error.statusCode === 413) return new WireError('tooLarge', 'expected a smaller body', { cause: error });
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return new WireError('malformed', error.message, { cause: error });
  return new WireError('internal', 'the gateway failed; its log says more', { cause: error });
}
