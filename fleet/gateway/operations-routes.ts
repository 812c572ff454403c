import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayContext } from './context.ts';

/** Looks are every second; without one for this long, the store does not answer. */
const readyWithinMs = 10_000;
const stateSchema = z.strictObject({ status: z.enum(['ok', 'stopping', 'store-unavailable']) });

/** For load balancers and Prometheus; open to whoever reaches the port. */
export const operationsRoutes =
  (context: GatewayContext): FastifyPluginAsyncZod =>
  async (app) => {
    const { metrics, watch, presence, uploads, telemetry, stopping } = context;
    metrics.gauge('flywheel_gateway_long_polls', () => watch.waiting);
    metrics.gauge('flywheel_gateway_robots_online', () => presence.online(60_000));
    metrics.gauge('flywheel_gateway_upload_bytes_held', () => uploads.heldBytes);
    metrics.gauge('flywheel_gateway_telemetry_bytes_held', () => telemetry.pendingBytes);
    metrics.gauge('flywheel_gateway_since_look_seconds', () => watch.sinceLookMs / 1_000);
    metrics.gauge('process_resident_memory_bytes', () => process.memoryUsage.rss());
    metrics.gauge('process_cpu_seconds_total', () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    });

    app.route({
      method: 'GET',
      url: '/metrics',
      schema: { summary: 'Prometheus metrics', response: { 200: z.string() } },
      handler: async (_, reply) => {
        void reply.type('text/plain; version=0.0.4; charset=utf-8');
        return metrics.text();
      },
    });

    app.route({
      method: 'GET',
      url: '/healthz',
      schema: { summary: 'The process answers', response: { 200: stateSchema } },
      handler: async () => ({
        status: 'ok' as const,
      }),
    });

    app.route({
      method: 'GET',
      url: '/readyz',
      schema: { summary: 'The gateway can serve robots', response: { 200: stateSchema, 503: stateSchema } },
      handler: async (_, reply) => {
        if (stopping.signal.aborted) return reply.code(503).send({ status: 'stopping' as const });
        if (watch.sinceLookMs > readyWithinMs) return reply.code(503).send({ status: 'store-unavailable' as const });
        return { status: 'ok' as const };
      },
    });
  };
