import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';

import type { GatewayContext } from './context.ts';
import { desiredRoute } from './desired-route.ts';
import { lifeRoutes } from './life-routes.ts';
import { mediaRoutes } from './media-routes.ts';
import { reportRoutes } from './report-routes.ts';
import { segmentRoute } from './segment-route.ts';
import { taskRoute } from './task-route.ts';

/** What a robot asks and tells about itself. Every path is guarded by the token of the robot it names. */
export const robotRoutes =
  (context: GatewayContext): FastifyPluginAsyncZod =>
  async (app) => {
    for (const routes of [lifeRoutes, reportRoutes, desiredRoute, segmentRoute, mediaRoutes, taskRoute])
      await app.register(routes(context));
  };
