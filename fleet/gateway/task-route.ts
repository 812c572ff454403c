import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';

import { tasksAnswerSchema } from '../protocol/index.ts';
import type { GatewayContext } from './context.ts';
import { robotOf } from './request-robot.ts';
import { errors, params, security } from './route-schema.ts';
import { WireError } from './wire-error.ts';

/** What a robot may be asked to do, once its policy has a task catalogue. */
export const taskRoute =
  (context: GatewayContext): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      method: 'GET',
      url: '/v1/robots/:id/tasks',
      schema: {
        summary: 'Tasks that the robot may be asked to do',
        params,
        response: { 200: tasksAnswerSchema, ...errors },
        security,
      },
      handler: async (request) => {
        const robot = robotOf(request);
        const { tasks } = await context.robotTypes.of(robot);
        const { seq, active } = context.watch.tasks.of(robot.policy, tasks);
        if (seq < 0)
          throw new WireError('notFound', 'expected a task catalogue, got none: the robot type names the tasks');
        return { policy: robot.policy, seq, tasks: [...active] };
      },
    });
  };
