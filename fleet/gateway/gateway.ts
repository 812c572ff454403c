import { mkdir } from 'node:fs/promises';

import fastifySwagger from '@fastify/swagger';
import fastify, { LogController, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';

import { mediaPartContentType, segmentContentType, wireHeaders, wireLimits } from '../protocol/index.ts';
import { collectRoutes, guard, Strangers, type ServedRoute } from './access.ts';
import { BodyPace } from './body-pace.ts';
import { Connections } from './connections.ts';
import { gatewayContext, type GatewayContext, type GatewayPorts } from './context.ts';
import { answerErrors, frameworkErrors } from './error-answers.ts';
import { modelRoutes } from './model-routes.ts';
import { healthRoutes } from './operations-routes.ts';
import { buildOperationsServer } from './operations-server.ts';
import { answerClientError, answerSlowBody, refuseExpectations } from './raw-answers.ts';
import { robotRoutes } from './robot-routes.ts';
import type { GatewaySettings } from './settings.ts';
import { trustRoutes } from './trust-routes.ts';
import { UnprovenSockets } from './unproven-sockets.ts';

export interface Gateway {
  /** Where robots reach it, e.g. `http://127.0.0.1:8460`. */
  readonly url: string;
  /** Where its metrics and documentation are, e.g. `http://127.0.0.1:9460`. */
  readonly operationsUrl: string;
  /** The OpenAPI document it serves. */
  readonly openApi: () => unknown;
  /** Every route that robots reach. */
  readonly routes: readonly ServedRoute[];
  /** Ends long polls, finishes what was begun, writes what waits, and closes; what lasts longer than the limit is cut. */
  stop(): Promise<void>;
}

/** Starts a gateway. Any number of them may serve one store. */
export async function startGateway(ports: GatewayPorts, settings: GatewaySettings): Promise<Gateway> {
  const context = gatewayContext(ports, settings);
  await mkdir(ports.scratchDirectory, { recursive: true, mode: 0o700 });
  const { app, connections, routes } = await buildServer(context);
  await app.ready();
  const operations = await buildOperationsServer(context, app.swagger());
  let url: string;
  let operationsUrl: string;
  try {
    await context.watch.start();
    operationsUrl = await operations.listen(settings.operations);
    url = await app.listen({ host: settings.host, port: settings.port });
  } catch (error) {
    context.watch.stop();
    await operations.close();
    await app.close();
    throw error;
  }
  context.presence.start();
  ports.log.info({ url, operationsUrl, gatewayId: settings.gatewayId }, 'gateway listens');
  const stop = () => stopGateway({ app, operations, context, connections });
  return { url, operationsUrl, openApi: () => app.swagger(), routes, stop };
}

interface Running {
  readonly app: FastifyInstance;
  readonly operations: FastifyInstance;
  readonly context: GatewayContext;
  readonly connections: Connections;
}

async function stopGateway({ app, operations, context, connections }: Running): Promise<void> {
  const { settings, log } = context;
  log.info('gateway stops');
  context.stopping.abort();
  connections.closeWhenIdle();
  await context.telemetry.flush();
  const cut = setTimeout(() => app.server.closeAllConnections(), settings.stopWithinMs);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
    context.watch.stop();
    await context.presence.stop();
    await operations.close();
  }
}

/** Bytes of headers of one request. */
const maxHeaderBytes = 16 * 1024;

async function buildServer(context: GatewayContext) {
  const { settings, metrics, monotonicMs } = context;
  const { tls } = settings;
  const connections = new Connections();
  const strangers = new Strangers(monotonicMs);
  const options: FastifyServerOptions = {
    loggerInstance: context.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: wireLimits.maxJsonBytes,
    exposeHeadRoutes: false,
    // A slow robot may take long for a segment; bodies have a least rate of their own.
    requestTimeout: 900_000,
    connectionTimeout: settings.stallMs,
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: frameworkErrors(context, (request, error) => strangers.refuse(request, error)),
    clientErrorHandler: answerClientError({ connections, metrics }),
  };
  const http = { maxHeaderSize: maxHeaderBytes, headersTimeout: 10_000, connectionsCheckingInterval: 2_000 };
  const secured = tls === undefined ? { http } : { https: { ...http, ...httpsOptions(tls) } };
  const app: FastifyInstance = fastify({ ...options, ...secured } as FastifyServerOptions);
  const unproven = watchServer(app, context, connections);
  const routes = collectRoutes(app);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser([segmentContentType, mediaPartContentType], (_, payload, done) => done(null, payload));
  answerErrors(app, context);
  guard(app, context, { strangers, unproven });
  measure(app, context);
  await app.register(fastifySwagger, {
    openapi: {
      info: { title: 'Flywheel gateway', version: `${wireLimits.protocolVersion}`, description: apiText },
      components: { securitySchemes: { robotToken: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
  });
  await app.register(robotRoutes(context));
  await app.register(modelRoutes(context));
  await app.register(trustRoutes(context));
  await app.register(healthRoutes(context));
  return { app, connections, routes };
}

/** What holds for connections and bodies, before and beside any route. */
function watchServer(app: FastifyInstance, context: GatewayContext, connections: Connections): UnprovenSockets {
  const { settings, metrics, monotonicMs } = context;
  const { graceMs, leastBytesPerSecond } = settings.bodies;
  const unproven = new UnprovenSockets({
    maxPerAddress: settings.maxConnectionsPerAddress,
    maxSockets: Math.ceil(settings.maxConnections / 2),
    onCut: () => metrics.count('flywheel_gateway_unproven_connections_cut_total'),
  });
  const sweepMs = Math.min(1_000, Math.max(50, graceMs / 4));
  const onSlow = answerSlowBody({ connections, metrics });
  const pace = new BodyPace({ graceMs, leastBytesPerSecond, sweepMs, monotonicMs, onSlow });
  app.server.maxConnections = settings.maxConnections;
  unproven.watch(app.server);
  connections.watch(app.server, { isTls: settings.tls !== undefined });
  pace.watch(app.server);
  refuseExpectations(app.server);
  metrics.gauge('flywheel_gateway_bodies_receiving', () => pace.receiving);
  return unproven;
}

const apiText =
  'The protocol between robots and gateways. Every path of a robot needs its bearer token. Answers of 429 and 503 carry ' +
  'Retry-After; errors have the form {error: {type, message}}.';

const httpsOptions = ({ cert, key, clientCa }: NonNullable<GatewaySettings['tls']>) => ({
  cert,
  key,
  minVersion: 'TLSv1.2',
  handshakeTimeout: 10_000,
  ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
});

function measure(app: FastifyInstance, context: GatewayContext): void {
  const { metrics, clock, stopping } = context;
  app.addHook('onSend', async (_, reply) => {
    void reply.header(wireHeaders.clockMs, clock());
    // What is still answered while the gateway stops is the last thing on its connection.
    if (stopping.signal.aborted) void reply.header('connection', 'close');
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    metrics.count('flywheel_gateway_requests_total', { route, status: reply.statusCode });
    metrics.observe('flywheel_gateway_request_duration_seconds', reply.elapsedTime / 1_000, { route });
  });
}
