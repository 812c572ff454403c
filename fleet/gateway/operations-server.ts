import fastifySwagger, { type StaticDocumentSpec } from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import fastify, { LogController, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';

import type { GatewayContext } from './context.ts';
import { answerErrors, frameworkErrors } from './error-answers.ts';
import { healthRoutes } from './operations-routes.ts';

/**
 * Metrics and the API's pages, on an address of their own: they tell of the whole fleet, and whoever reaches the robots' port
 * is not meant to read them. Plain HTTP without tokens, so it listens on this machine only unless told otherwise.
 */
export async function buildOperationsServer(context: GatewayContext, openApi: unknown): Promise<FastifyInstance> {
  const options: FastifyServerOptions = {
    loggerInstance: context.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 1_024,
    connectionTimeout: 10_000,
    keepAliveTimeout: 75_000,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    frameworkErrors: frameworkErrors(context, (_, error) => error),
  };
  const http = { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 };
  const app: FastifyInstance = fastify({ ...options, http } as FastifyServerOptions);
  app.server.maxConnections = 100;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  answerErrors(app, context);
  const document = openApi as StaticDocumentSpec['document'];
  await app.register(fastifySwagger, { mode: 'static', specification: { document } });
  await app.register(fastifySwaggerUi, { routePrefix: '/documentation' });
  await app.register(healthRoutes(context));
  defineGauges(context);
  app.get('/metrics', async (_, reply) => {
    void reply.type('text/plain; version=0.0.4; charset=utf-8');
    return context.metrics.text();
  });
  return app;
}

function defineGauges({ metrics, room, watch, presence, uploads, clips, telemetry }: GatewayContext): void {
  metrics.gauge('flywheel_gateway_long_polls', () => watch.waiting);
  metrics.gauge('flywheel_gateway_robots_online', () => presence.online(60_000));
  metrics.gauge('flywheel_gateway_upload_bytes_held', () => uploads.heldBytes);
  metrics.gauge('flywheel_gateway_clip_parts_receiving', () => clips.bodies.open);
  metrics.gauge('flywheel_gateway_telemetry_bytes_held', () => telemetry.pendingBytes);
  metrics.gauge('flywheel_gateway_store_full', () => (room.isFull ? 1 : 0));
  metrics.gauge('flywheel_gateway_since_look_seconds', () => watch.sinceLookMs / 1_000);
  metrics.gauge('process_resident_memory_bytes', () => process.memoryUsage.rss());
  metrics.gauge('process_cpu_seconds_total', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}
