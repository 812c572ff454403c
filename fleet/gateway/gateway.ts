import { mkdir } from 'node:fs/promises';

import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import fastify, { LogController, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';

import { segmentContentType, wireHeaders, wireLimits } from '../protocol/index.ts';
import { authenticate, checkPath } from './authenticate.ts';
import { watchConnections, type Connections } from './connections.ts';
import { gatewayContext, type GatewayContext, type GatewayPorts } from './context.ts';
import { answerErrors } from './error-answers.ts';
import { modelRoutes } from './model-routes.ts';
import { operationsRoutes } from './operations-routes.ts';
import { noteRobot } from './request-robot.ts';
import { UsageLimiter } from './robot-limits.ts';
import { robotRoutes } from './robot-routes.ts';
import type { GatewaySettings } from './settings.ts';
import { WireError } from './wire-error.ts';

export interface Gateway {
  /** Where it listens, e.g. `http://127.0.0.1:8460`. */
  readonly url: string;
  /** The OpenAPI document it serves. */
  readonly openApi: () => unknown;
  /** Ends long polls, finishes what was begun, writes what waits, and closes; what lasts longer than the limit is cut. */
  stop(): Promise<void>;
}

/** Starts a gateway. Any number of them may serve one store. */
export async function startGateway(ports: GatewayPorts, settings: GatewaySettings): Promise<Gateway> {
  const context = gatewayContext(ports, settings);
  await mkdir(ports.scratchDirectory, { recursive: true });
  const app = await buildServer(context);
  const connections = watchConnections(app.server, { isTls: settings.tls !== undefined });
  await context.watch.start();
  let url: string;
  try {
    url = await app.listen({ host: settings.host, port: settings.port });
  } catch (error) {
    context.watch.stop();
    await app.close();
    throw error;
  }
  context.presence.start();
  ports.log.info({ url, gatewayId: settings.gatewayId }, 'gateway listens');
  return { url, openApi: () => app.swagger(), stop: () => stopGateway(app, context, connections) };
}

async function stopGateway(app: FastifyInstance, context: GatewayContext, connections: Connections): Promise<void> {
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
  }
}

async function buildServer(context: GatewayContext): Promise<FastifyInstance> {
  const { settings } = context;
  const { tls } = settings;
  const options: FastifyServerOptions = {
    loggerInstance: context.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: wireLimits.maxJsonBytes,
    exposeHeadRoutes: false,
    // A slow robot may take long for a segment; one that sends nothing for a while is cut by the connection's own limit.
    requestTimeout: 900_000,
    connectionTimeout: settings.stallMs,
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { maxParamLength: 200 },
  };
  const secured: FastifyServerOptions = tls === undefined ? {} : ({ https: httpsOptions(tls) } as FastifyServerOptions);
  const app: FastifyInstance = fastify({ ...options, ...secured });
  app.server.maxConnections = settings.maxConnections;
  app.server.headersTimeout = 20_000;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.addContentTypeParser(segmentContentType, (_, payload, done) => done(null, payload));
  answerErrors(app, context);
  guard(app, context);
  measure(app, context);
  await app.register(fastifySwagger, {
    openapi: {
      info: { title: 'Flywheel gateway', version: `${wireLimits.protocolVersion}`, description: apiText },
      components: { securitySchemes: { robotToken: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
  });
  await app.register(fastifySwaggerUi, { routePrefix: '/documentation' });
  await app.register(robotRoutes(context));
  await app.register(modelRoutes(context));
  await app.register(operationsRoutes(context));
  return app;
}

const apiText =
  'What robots and gateways say to each other. Every path of a robot needs its bearer token. Answers of 429 and 503 carry ' +
  'Retry-After; errors have the form {error: {type, message}}.';

const httpsOptions = ({ cert, key, clientCa }: NonNullable<GatewaySettings['tls']>) => ({
  cert,
  key,
  minVersion: 'TLSv1.2',
  ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
});

/** Path, token and share are checked before a body is read. Long polls wait without working, so they have no part in the work limit. */
function guard(app: FastifyInstance, context: GatewayContext): void {
  const { settings, robots, monotonicMs, stopping } = context;
  const isTlsMutual = settings.tls?.clientCa !== undefined;
  const robotLimiter = new UsageLimiter(settings.robotLimits, monotonicMs);
  const strangerLimiter = new UsageLimiter(strangerLimits, monotonicMs);
  let working = 0;

  app.addHook('onRequest', async (request, reply) => {
    void reply.header(wireHeaders.gatewayId, settings.gatewayId);
    if (!request.url.startsWith('/v1/')) return;
    const params = (request.params ?? {}) as Readonly<Record<string, string>>;
    checkPath(params);
    if (stopping.signal.aborted)
      throw new WireError('overloaded', 'this gateway is about to stop; use another', { retryAfterMs: 1_000 });
    if (working >= settings.maxConcurrentWork)
      throw new WireError('overloaded', 'the gateway has more to do than it may take on', { retryAfterMs: 2_000 });
    try {
      const robot = await authenticate(request, params, { robots, isTlsMutual });
      const ended = robotLimiter.admit(robot.robotId, request.socket);
      const isWork = request.routeOptions.url !== '/v1/robots/:id/desired';
      if (isWork) working += 1;
      reply.raw.once('close', () => {
        ended();
        if (isWork) working -= 1;
      });
      noteRobot(request, robot);
      context.presence.see(robot);
    } catch (error) {
      // Guessing tokens is slowed down by address; robots behind one address with good tokens do not feel it.
      if (error instanceof WireError && error.type === 'unauthorized')
        strangerLimiter.admit(request.ip, request.socket)();
      throw error;
    }
  });
  context.metrics.gauge('flywheel_gateway_requests_running', () => working);
}

const strangerLimits = {
  requestsPerSecond: 20,
  burstRequests: 50,
  maxConcurrentRequests: 1_000,
  maxConnections: 1_000,
};

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
