import type { FastifyError, FastifyInstance } from 'fastify';
import { ActError } from '../acts/act-error.ts';
import { ActReused } from '../acts/carry-out.ts';
import { isFailure } from '../store/failures.ts';
import { consoleErrors, errorSchema, type ConsoleErrorType, type RefusalAnswer } from './answers/refusal.ts';

export const errors = { '4xx': errorSchema, '5xx': errorSchema };

export class ConsoleError extends Error {
  readonly type: ConsoleErrorType;
  readonly retryAfterMs: number | undefined;

  constructor(
    type: ConsoleErrorType,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number } = {},
  ) {
    super(message, options);
    this.type = type;
    this.retryAfterMs = options.retryAfterMs;
  }
}

const longestMessage = 1_000;

/** Turns whatever went wrong into words for the page. What is our fault is logged, and not told. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler(async (error, request, reply) => {
    const found = consoleErrorOf(error as FastifyError);
    const status = consoleErrors[found.type];
    if (status >= 500) request.log.warn({ err: error, route: request.routeOptions.url }, 'request failed');
    const retryAfterMs = found.retryAfterMs ?? (status === 503 ? 2_000 : undefined);
    if (retryAfterMs !== undefined) void reply.header('retry-after', Math.max(1, Math.ceil(retryAfterMs / 1_000)));
    if (status === 401) void reply.header('www-authenticate', 'Bearer');
    const answer: RefusalAnswer = {
      error: { type: found.type, message: found.message.slice(0, longestMessage) },
    };
    return reply.code(status).type('application/json; charset=utf-8').send(answer);
  });
  app.setNotFoundHandler(async () => {
    throw new ConsoleError('notFound', 'expected a path of this API; /api/v1/openapi.json describes it');
  });
}

function consoleErrorOf(error: FastifyError): ConsoleError {
  if (error instanceof ConsoleError) return error;
  if (error instanceof ActReused) return new ConsoleError('keyReused', error.message, { cause: error });
  if (error instanceof ActError)
    return new ConsoleError(error.kind === 'missing' ? 'temporalUnavailable' : 'refused', error.message, {
      cause: error,
    });
  if (isFailure(error, 'NotFound')) return new ConsoleError('notFound', error.message, { cause: error });
  if (isFailure(error, 'InvalidInput')) return new ConsoleError('malformed', error.message, { cause: error });
  if (isFailure(error, 'StoreUnavailable'))
    return new ConsoleError('storeUnavailable', 'the object store does not answer; try again later', { cause: error });
  if (isFailure(error, 'CorruptData'))
    return new ConsoleError('damaged', 'a stored object is damaged; the console’s log names it', { cause: error });
  if (error.validation !== undefined) return new ConsoleError('malformed', error.message, { cause: error });
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return new ConsoleError('malformed', error.message, { cause: error });
  return new ConsoleError('internal', 'the console failed; its log says more', { cause: error });
}
