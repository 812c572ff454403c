import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { isFailure } from '../../activities/failures.ts';
import type { ErrorAnswer } from '../protocol/index.ts';
import type { GatewayContext } from './context.ts';
import { WireError } from './wire-error.ts';

/** An early answer to a longer body closes the connection instead of reading the rest away. */
const drainableBytes = 128 * 1024 * 1024;

/** Turns whatever went wrong into the protocol's words. What is our fault is logged, and not told to the robot. */
export function answerErrors(app: FastifyInstance, context: GatewayContext): void {
  app.setErrorHandler(async (error, request, reply) => {
    const wire = wireErrorOf(error as FastifyError);
    if (wire.status >= 500) {
      const line = { err: error, method: request.method, route: request.routeOptions.url };
      context.log[wire.type === 'internal' ? 'error' : 'warn'](line, 'request failed');
    }
    return sendError(wire, request, reply, context);
  });
  app.setNotFoundHandler(async (request, reply) =>
    sendError(new WireError('notFound', 'expected a path of this API; see /documentation'), request, reply, context),
  );
}

function sendError(wire: WireError, request: FastifyRequest, reply: FastifyReply, context: GatewayContext) {
  context.metrics.count('flywheel_gateway_refused_total', { type: wire.type });
  const retryAfterMs = wire.retryAfterMs ?? (wire.status === 503 || wire.status === 429 ? 1_000 : undefined);
  if (retryAfterMs !== undefined) void reply.header('retry-after', Math.max(1, Math.ceil(retryAfterMs / 1_000)));
  if (wire.status === 401) void reply.header('www-authenticate', 'Bearer');
  if (Number(request.headers['content-length'] ?? 0) > drainableBytes) void reply.header('connection', 'close');
  const answer: ErrorAnswer = { error: { type: wire.type, message: wire.message.slice(0, 2_000) } };
  return reply.code(wire.status).type('application/json; charset=utf-8').send(answer);
}

function wireErrorOf(error: FastifyError): WireError {
  if (error instanceof WireError) return error;
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
