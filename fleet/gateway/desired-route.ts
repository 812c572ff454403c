import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import {
  desiredAnswerSchema,
  desiredQuerySchema,
  etagMatches,
  signedDesiredSchema,
  transferHeader,
  wireHeaders,
} from '../protocol/index.ts';
import type { RobotRecord } from '../desk/robots.ts';
import type { GatewayContext } from './context.ts';
import type { DesiredBody, OrderForm } from './desired-orders.ts';
import { robotAgain, robotOf } from './request-robot.ts';
import { errors, params, security } from './route-schema.ts';

/** What a robot should run. With the tag of what it holds it waits until there is something new, or `waitMs` are over. */
export const desiredRoute =
  (context: GatewayContext): FastifyPluginAsyncZod =>
  async (app) => {
    const { presence } = context;

    app.route({
      method: 'GET',
      url: '/v1/robots/:id/desired',
      schema: {
        summary: 'What the robot should run; with If-None-Match it waits for a change',
        params,
        querystring: desiredQuerySchema,
        response: {
          200: z.union([desiredAnswerSchema, signedDesiredSchema]),
          304: z.null().describe('No change; no body'),
          ...errors,
        },
        security,
      },
      handler: async (request, reply) => {
        const robot = robotOf(request);
        const held = request.headers['if-none-match'];
        const form = request.headers[wireHeaders.orders] === 'signed' ? 'signed' : 'plain';
        let body = await context.desired.now(robot, form);
        if (etagMatches(held, body.etag)) {
          presence.see(robot, { deliveredSeq: body.seq });
          const { waitMs } = request.query;
          body = await whenChanged(context, { request, reply, robot, form, etag: body.etag, waitMs });
        }
        addHeaders(context, reply, robot, body);
        if (etagMatches(held, body.etag)) return (reply as FastifyReply).code(304).send();
        void reply.raw.once('finish', () => presence.see(robot));
        return (reply as FastifyReply).type('application/json; charset=utf-8').send(body.text);
      },
    });
  };

interface LongPoll {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly robot: RobotRecord;
  readonly form: OrderForm;
  readonly etag: string;
  /** As the robot asks; the gateway's own limit holds beside it. */
  readonly waitMs: number;
}

/** The long poll: ends early when the robot goes, the gateway stops, or the robot's own record changes. */
async function whenChanged(context: GatewayContext, poll: LongPoll): Promise<DesiredBody> {
  const { request, reply, robot, form, etag } = poll;
  const waitMs = Math.min(poll.waitMs, context.settings.longPollMs);
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const stop = AbortSignal.any([context.stopping.signal, gone.signal]);
  let isRobotChanged = false;
  const unlisten = context.robotChanges.listen(robot.robotId, () => {
    isRobotChanged = true;
    gone.abort();
  });
  const body = await context.desired.whenChanged(robot, form, { etag, waitMs, stop }).finally(unlisten);
  if (isRobotChanged) await robotAgain(request);
  return body;
}

/** What goes with every answer, new or not. */
function addHeaders(
  { watch, clock }: GatewayContext,
  reply: FastifyReply,
  robot: RobotRecord,
  body: DesiredBody,
): void {
  void reply.header('etag', body.etag).header('cache-control', 'no-store');
  if (body.leaseRemainingMs !== null)
    void reply.header(wireHeaders.leaseRemainingMs, Math.max(0, Math.floor(body.leaseRemainingMs)));
  if (body.seal !== undefined) void reply.header(wireHeaders.seal, body.seal);
  if (robot.transfer !== undefined) {
    const { signed, signatures } = robot.transfer;
    void reply.header(wireHeaders.transfer, transferHeader({ signed, signatures }));
  }
  const updateWindow = watch.windows.header(robot.site, clock());
  if (updateWindow !== undefined) void reply.header(wireHeaders.updateWindow, updateWindow);
  const rootVersion = watch.roots.newest();
  if (rootVersion > 0) void reply.header(wireHeaders.rootVersion, rootVersion);
  const tasksSeq = watch.tasks.seq(robot.policy);
  if (tasksSeq !== undefined) void reply.header(wireHeaders.tasksSeq, tasksSeq);
}
