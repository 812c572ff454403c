import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { errorAnswerSchema, modelFiles } from '../protocol/index.ts';
import type { GatewayContext } from './context.ts';
import { serveModel } from './serve-model.ts';
import { WireError } from './wire-error.ts';

/** Files of registered versions, for the robots of their policy. */
export const modelRoutes =
  (context: GatewayContext): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      method: 'GET',
      url: '/v1/models/:policy/:version/:file',
      schema: {
        summary: 'A file of a policy version; Range and If-Range resume a download',
        params: z.object({ policy: z.string(), version: z.string(), file: z.enum(modelFiles) }),
        response: { '4xx': errorAnswerSchema, '5xx': errorAnswerSchema },
        security: [{ robotToken: [] }],
      },
      handler: async (request, reply) => {
        const { policy, version, file } = request.params;
        const served = await context.models.file(policy, version, file);
        if (served === undefined)
          throw new WireError('notFound', `expected a registered version with ${file}, got ${policy} ${version}`);
        const answer = await serveModel(context.store, served, {
          range: request.headers.range,
          ifRange: request.headers['if-range']?.toString(),
          ifNoneMatch: request.headers['if-none-match'],
        });
        const type = file.endsWith('.json') ? 'application/json; charset=utf-8' : 'application/octet-stream';
        return (reply as FastifyReply).code(answer.status).headers(answer.headers).type(type).send(answer.body);
      },
    });
  };
