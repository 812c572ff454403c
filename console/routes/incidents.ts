import { z } from 'zod';

import { readIncidents } from '../../activities/incidents/incident-log.ts';
import { readOpenIncidents } from '../../activities/monitor/monitor-state.ts';
import { described, pageQuery, read, requirePolicy, type Routes } from './shared.ts';

/** What is wrong, and what was. */
export const incidentRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/incidents',
    schema: {
      querystring: pageQuery.omit({ after: true }),
      ...described(
        'What is wrong now, and the last events of the log, newest last',
        z.strictObject({
          ...read,
          /** The monitor's last look; null: nobody has looked yet, and nothing follows from an empty list. */
          lookedAtMs: z.number().nullable(),
          open: z.array(
            z.strictObject({
              incidentId: z.string(),
              cause: z.string(),
              subject: z.string(),
              openedAtMs: z.number(),
              reason: z.string(),
              acknowledgedBy: z.string().nullable(),
            }),
          ),
          events: z.array(
            z.strictObject({
              incidentId: z.string(),
              cause: z.string(),
              subject: z.string(),
              state: z.string(),
              atMs: z.number(),
              reason: z.string(),
              who: z.string().optional(),
            }),
          ),
        }),
      ),
    },
    handler: async ({ query: { policy, limit } }) => {
      await requirePolicy(context, policy);
      const { lookedAtMs, incidents } = await readOpenIncidents(context.store, policy);
      const log = await readIncidents(context.store, policy);
      return {
        readAtMs: context.clock(),
        lookedAtMs,
        open: [...incidents],
        events: log.flatMap(({ record }) => record.events).slice(-limit),
      };
    },
  });
};
