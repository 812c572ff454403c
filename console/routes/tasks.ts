import { z } from 'zod';

import { readPolicyDocument } from '../../activities/registry/policy-document.ts';
import { readRobotType } from '../../store/records/robot-types.ts';
import { readTaskCatalogue } from '../../store/records/task-log.ts';
import { read } from '../answers/read.ts';
import { described, policyQuery, type Routes } from './shared.ts';

/** What robots may be asked to do. */
export const taskRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/tasks',
    schema: {
      querystring: policyQuery,
      ...described(
        'What robots may be asked to do, by index',
        z.strictObject({
          ...read,
          seq: z.int(),
          tasks: z.array(
            z.strictObject({
              id: z.string(),
              index: z.int(),
              instruction: z.string(),
              status: z.enum(['active', 'retired']),
            }),
          ),
        }),
      ),
    },
    handler: async ({ query: { policy } }) => {
      const { robotType } = await readPolicyDocument(context.store, policy);
      const type = await readRobotType(context.store, robotType.id, robotType.version);
      const { seq, tasks } = await readTaskCatalogue(context.store, policy, type);
      return {
        readAtMs: context.clock(),
        seq,
        tasks: tasks.map(({ id, index, instruction, status }) => ({ id, index, instruction, status })),
      };
    },
  });
};
