import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { errorAnswerSchema } from '../protocol/index.ts';
import type { GatewayContext } from './context.ts';
import { WireError } from './wire-error.ts';

/** Root documents, for every robot: which keys may sign models and orders. */
export const trustRoutes =
  (context: GatewayContext): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      method: 'GET',
      url: '/v1/trust/roots/:number',
      schema: {
        summary: 'A root document, signed: which keys may sign models and orders',
        params: z.object({ number: z.coerce.number().int().min(1).max(1_000_000) }),
        response: { '4xx': errorAnswerSchema, '5xx': errorAnswerSchema },
        security: [{ robotToken: [] }],
      },
      handler: async (request, reply) => {
        const { number } = request.params;
        const bytes = await context.watch.roots.read(number);
        if (bytes === undefined)
          throw new WireError('notFound', `expected a root document that is there, got number ${number}`);
        return (reply as FastifyReply).type('application/json; charset=utf-8').send(Buffer.from(bytes));
      },
    });
  };
