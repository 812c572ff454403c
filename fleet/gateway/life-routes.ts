import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';

import {
  handshakeAnswerSchema,
  handshakeRequestSchema,
  heartbeatAnswerSchema,
  heartbeatRequestSchema,
  wireHeaders,
  wireLimits,
  type HandshakeRequest,
} from '../protocol/index.ts';
import type { RobotRecord } from '../desk/robots.ts';
import type { GatewayContext } from './context.ts';
import { robotOf } from './request-robot.ts';
import { errors, params, security } from './route-schema.ts';
import { spokenPolicy } from './spoken-policy.ts';
import { WireError } from './wire-error.ts';

/** The life of an agent: it begins with a handshake, and heartbeats say that it goes on. */
export const lifeRoutes =
  (context: GatewayContext): FastifyPluginAsyncZod =>
  async (app) => {
    const { clock, settings, presence } = context;

    app.route({
      method: 'POST',
      url: '/v1/robots/:id/handshake',
      schema: {
        summary: 'Start a life of an agent',
        params,
        body: handshakeRequestSchema,
        response: { 200: handshakeAnswerSchema, ...errors },
        security,
      },
      handler: async (request) => {
        const robot = robotOf(request);
        await checkAgreement(context, robot, request.body);
        await context.agents.said(robot.robotId, {
          agentVersion: request.body.agentVersion,
          knowsTransfers: request.headers[wireHeaders.policy] !== undefined,
        });
        const { installedVersion } = request.body;
        presence.see(robot, isOfOwnPolicy(request, robot) ? { installedVersion } : {});
        return {
          protocolVersion: wireLimits.protocolVersion,
          gatewayId: settings.gatewayId,
          clockMs: clock(),
          robotId: robot.robotId,
          policy: robot.policy,
          site: robot.site,
          heartbeatEveryMs: settings.heartbeatEveryMs,
          longPollMs: settings.longPollMs,
        };
      },
    });

    app.route({
      method: 'POST',
      url: '/v1/robots/:id/heartbeat',
      schema: {
        summary: 'Report that the robot is online, and what it runs',
        params,
        body: heartbeatRequestSchema,
        response: { 200: heartbeatAnswerSchema, ...errors },
        security,
      },
      handler: async (request) => {
        const { installedVersion, assignmentSeq, isBusy, droppedEpisodes, images } = request.body;
        const robot = robotOf(request);
        const own = isOfOwnPolicy(request, robot) ? { installedVersion, assignmentSeq } : {};
        presence.see(robot, { ...own, isBusy, droppedEpisodes, ...(images === undefined ? {} : { images }) });
        return { clockMs: clock() };
      },
    });
  };

/** Versions and numbers of a policy that it was moved out of say nothing in its new one. */
const isOfOwnPolicy = (request: FastifyRequest, robot: RobotRecord): boolean =>
  spokenPolicy(request, robot) === robot.policy;

/** A robot of another type, or with another idea of it, would fill the lake with what nobody can read. */
async function checkAgreement(context: GatewayContext, robot: RobotRecord, said: HandshakeRequest): Promise<void> {
  if (said.protocolVersion !== wireLimits.protocolVersion)
    throw new WireError('conflict', `expected protocol ${wireLimits.protocolVersion}, got ${said.protocolVersion}`);
  const { id, version } = robot.robotType;
  if (said.robotType.id !== id || said.robotType.version !== version)
    throw new WireError(
      'conflict',
      `expected robot type ${id}@${version}, got ${said.robotType.id}@${said.robotType.version}`,
    );
  const { digest } = await context.robotTypes.of(robot);
  if (digest !== said.robotType.digest)
    throw new WireError(
      'conflict',
      `expected robot type ${id}@${version} with digest ${digest}, got ${said.robotType.digest}`,
    );
}
