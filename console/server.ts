import fastifySwagger from '@fastify/swagger';
import fastify, { LogController, type FastifyInstance, type FastifyReply, type FastifyServerOptions } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type FastifyPluginAsyncZod,
} from 'fastify-type-provider-zod';
import { z } from 'zod';

import { guard, requestOperator, safeHeaders } from './access.ts';
import { meSchema } from './answers/me.ts';
import { consoleContext, type ConsolePorts } from './context.ts';
import { answerErrors } from './errors.ts';
import { builtPages, pageRoutes } from './pages.ts';
import { oidcRoutes } from './oidc/routes.ts';
import { actRoutes } from './routes/acts.ts';
import { auditRoutes } from './routes/audit.ts';
import { clipRoutes } from './routes/clips.ts';
import { cycleRoutes } from './routes/cycles.ts';
import { dataRoutes } from './routes/data.ts';
import { episodeRoutes } from './routes/episodes.ts';
import { eventRoutes } from './routes/events.ts';
import { freezeRoutes } from './routes/freeze.ts';
import { fleetRoutes } from './routes/fleet.ts';
import { incidentRoutes } from './routes/incidents.ts';
import { labelRoutes } from './routes/labels.ts';
import { metricRoutes } from './routes/metrics.ts';
import { modelRoutes } from './routes/models.ts';
import { rollbackTargetRoutes } from './routes/rollback-targets.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { taskRoutes } from './routes/tasks.ts';
import { taskArmsRoutes } from './routes/task-arms.ts';
import { trialRoutes } from './routes/trials.ts';
import { described, type Routes } from './routes/shared.ts';

const allRoutes: readonly Routes[] = [
  fleetRoutes,
  cycleRoutes,
  trialRoutes,
  taskArmsRoutes,
  metricRoutes,
  incidentRoutes,
  modelRoutes,
  taskRoutes,
  dataRoutes,
  episodeRoutes,
  clipRoutes,
  labelRoutes,
  eventRoutes,
  actRoutes,
  rollbackTargetRoutes,
  freezeRoutes,
  auditRoutes,
  sessionRoutes,
];

/** The console's server: what operators read of fleets and do to them, for pages and programs. Keeps nothing of its own: any number may serve one store. */
export async function buildConsole(ports: ConsolePorts): Promise<FastifyInstance> {
  const context = consoleContext(ports);
  const options: FastifyServerOptions = {
    loggerInstance: ports.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 64 * 1024,
    requestTimeout: 30_000,
    connectionTimeout: 120_000,
    keepAliveTimeout: 75_000,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: refusePath,
  };
  const http = { maxHeaderSize: 16 * 1024, headersTimeout: 10_000, connectionsCheckingInterval: 2_000 };
  const app: FastifyInstance = fastify({ ...options, http } as FastifyServerOptions);
  app.server.maxConnections = 1_000;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  // What a form of another site could send without asking first is no body of ours.
  app.removeContentTypeParser('text/plain');
  answerErrors(app);
  guard(app, context);
  app.addHook('onClose', () => context.signedIn.settled());
  await app.register(fastifySwagger, {
    openapi: {
      info: {
        title: 'Flywheel console',
        version: '1',
        description: 'What operators read of fleets and do to them; docs/console.md',
      },
      components: { securitySchemes: { operatorToken: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
  });
  for (const routes of allRoutes) await app.register(routes(context));
  await app.register(ownRoutes(context));
  await app.register(oidcRoutes(context));
  await app.register(pageRoutes(ports.pagesDirectory ?? builtPages));
  return app;
}

/** What the framework refuses before any hook: a path that cannot be decoded, a part of it that is too long. */
function refusePath(_: unknown, __: unknown, reply: FastifyReply): void {
  const message = 'expected a path of this API; /api/v1/openapi.json describes it';
  void reply
    .headers(safeHeaders)
    .code(400)
    .send({ error: { type: 'malformed', message } });
}

const ownRoutes =
  ({ clock }: ConsolePorts): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      method: 'GET',
      url: '/healthz',
      config: { isOpen: true },
      schema: { summary: 'The process answers', response: { 200: z.strictObject({ status: z.literal('ok') }) } },
      handler: async () => ({ status: 'ok' as const }),
    });
    app.route({
      method: 'GET',
      url: '/api/v1/me',
      schema: described('Who asks', meSchema),
      handler: async (request) => {
        const { name, role, session } = requestOperator(request);
        return { readAtMs: clock(), name, role, csrf: session?.csrf ?? null };
      },
    });
    app.get('/api/v1/openapi.json', { config: { isOpen: true }, schema: { hide: true } }, async () => app.swagger());
  };
