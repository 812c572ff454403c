import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { isFailure } from '../../store/failures.ts';
import { errorAnswerSchema, modelFiles } from '../protocol/index.ts';
import type { GatewayContext } from './context.ts';
import { damaged } from './file-proof.ts';
import { modelServer } from './serve-model.ts';
import { WireError } from './wire-error.ts';

/** Files of registered versions, for the robots of their policy. */
export const modelRoutes =
  (context: GatewayContext): FastifyPluginAsyncZod =>
  async (app) => {
    const server = modelServer(context.store);
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
        const served = await ofThisFile(request.url, () => context.models.file(policy, version, file));
        if (served === undefined)
          throw new WireError('notFound', `expected a registered version with ${file}, got ${policy} ${version}`);
        const { range, 'if-range': ifRange, 'if-none-match': ifNoneMatch } = request.headers;
        const conditions = { range, ifRange: ifRange?.toString(), ifNoneMatch };
        const answer = await ofThisFile(served.key, () => server.serve(served, conditions));
        const type = file.endsWith('.json') ? 'application/json; charset=utf-8' : 'application/octet-stream';
        return (reply as FastifyReply).code(answer.status).headers(answer.headers).type(type).send(answer.body);
      },
    });
  };

/** What the store cannot do for one file says nothing about the rest: the answer names the file. */
async function ofThisFile<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (isFailure(cause, 'CorruptData'))
      throw damaged({ key }, 'expected a whole manifest of the version, got another document');
    if (!isFailure(cause, 'StoreUnavailable')) throw cause;
    const message = `the store cannot read ${key} now; other files are still served`;
    throw new WireError('overloaded', message, { retryAfterMs: 5_000, cause });
  }
}
