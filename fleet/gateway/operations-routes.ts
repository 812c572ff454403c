import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayContext } from './context.ts';

/** Looks are every second; without one for this long, the store does not answer. */
const readyWithinMs = 10_000;
const stateSchema = z.strictObject({ status: z.enum(['ok', 'stopping', 'store-unavailable', 'store-full']) });

/** For load balancers; open to whoever reaches the port. They say nothing of the fleet and cost nothing. */
export const healthRoutes =
  ({ watch, stopping, room }: GatewayContext): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      method: 'GET',
      url: '/healthz',
      config: { isOpen: true },
      schema: { summary: 'The process answers', response: { 200: stateSchema } },
      handler: async () => ({
        status: 'ok' as const,
      }),
    });

    app.route({
      method: 'GET',
      url: '/readyz',
      config: { isOpen: true },
      schema: { summary: 'The gateway can serve robots', response: { 200: stateSchema, 503: stateSchema } },
      handler: async (_, reply) => {
        if (stopping.signal.aborted) return reply.code(503).send({ status: 'stopping' as const });
        if (watch.sinceLookMs > readyWithinMs) return reply.code(503).send({ status: 'store-unavailable' as const });
        if (room.isFull) return reply.code(503).send({ status: 'store-full' as const });
        return { status: 'ok' as const };
      },
    });
  };
